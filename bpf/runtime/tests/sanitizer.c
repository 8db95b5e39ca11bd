/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Feeds the parser frames that end where their memory ends, so that the
 * address sanitizer sees any byte read beyond, and at odd addresses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

__u32 skxc_user_parse(const __u8 *data, __u32 bytes, __u32 length, __s32 tag,
		      __u32 merged, __u32 layer3, __u32 needs, __u32 *values);

/* xorshift64: any sequence will do, as long as it is the same each time. */
static __u64 next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const __u16 types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806 };
static const __u8 protocols[] = { 0, 1, 6, 17, 43, 44, 51, 58, 60 };

int main(void)
{
	static __u32 values[256];
	__u64 state = 0x5eed;
	__u32 reasons = 0;
	int round;

	for (round = 0; round < 300000; round++) {
		__u32 bytes = next(&state) % 160;
		__u32 shift = round & 1;
		__u32 layer3 = round >> 1 & 1;
		__u8 *memory = malloc(bytes + shift + !(bytes + shift));
		__u8 *frame = memory + shift;
		__u32 i;

		for (i = 0; i < bytes; i++)
			frame[i] = (__u8)next(&state);
		if (bytes >= 24) {
			__u16 type = types[next(&state) % 5];

			frame[12] = (__u8)(type >> 8);
			frame[13] = (__u8)type;
			frame[14] = (__u8)(type == 0x0800 ? 0x40 : 0x60);
			frame[14] |= (__u8)(next(&state) % 16);
			frame[20] = protocols[next(&state) % 9];
			frame[23] = protocols[next(&state) % 9];
		}
		if (layer3 && bytes)
			frame[0] = (__u8)(round & 4 ? 0x45 : 0x60);
		reasons |= 1u << skxc_user_parse(frame, bytes,
						 bytes + next(&state) % 2,
						 (__s32)(next(&state) % 3) - 1,
						 next(&state) % 8 == 0, layer3,
						 next(&state) & 0x3f, values);
		free(memory);
	}
	printf("%x\n", reasons);
	return 0;
}
