/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * skxc/barrier.h: keeps the compiler from seeing through a value.
 *
 * The code is the same in the kernel and in user space: the barrier emits no
 * instruction and changes no value, so both compute the same bits.
 */
#ifndef SKXC_BARRIER_H
#define SKXC_BARRIER_H

/* linux/stddef.h makes it a mere hint. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/*
 * The value of the integer or pointer x, of which the compiler knows nothing
 * from here on. Used where clang would otherwise rewrite a computation into
 * one that the verifier cannot follow, or turn a branch-free step back into
 * a branch.
 */
#define skxc_barrier(x) __asm__ volatile("" : "+r"(x))

/*
 * Memory behind the pointer x may have changed: what was read through it is
 * read again. Used between trees, so that neither the compiler nor the
 * verifier carries what it learned of a feature from one tree to the next.
 */
#define skxc_barrier_memory(x) __asm__ volatile("" : "+r"(x) : : "memory")

/*
 * Before a short loop: leave no loop. Verifier: before Linux 6.7 (commit
 * 10e14e9652bf, check_cfg in kernel/bpf/verifier.c) it refuses as a
 * "back-edge" a loop that is closed by falling through to its head instead of
 * by a jump, and clang lays out blocks as it likes. clang warns if it cannot
 * unroll.
 */
#ifdef __clang__
#define SKXC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SKXC_UNROLL
#endif

#endif /* SKXC_BARRIER_H */
