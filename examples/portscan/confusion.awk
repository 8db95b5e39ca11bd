# Confusion table of `skxc predict` beside the truth, by kind of recording.
# In:  lines of label,score...,label,recording with a header; the recording's name
#      (label-kind-number) is the truth.
# Out: packets of each kind, how many the program called scan, then the table.

NR == 1 { next }

{
	kind = $NF
	sub(/-[0-9]+$/, "", kind)
	truth = kind
	sub(/-.*/, "", truth)
	if (!(kind in packets))
		kinds[++count] = kind
	packets[kind]++
	scans[kind] += $1 == "scan"
	table[truth, $1]++
	right += $1 == truth
}

END {
	printf "%-14s %8s %10s\n", "recordings", "packets", "said scan"
	for (i = 1; i <= count; i++) {
		kind = kinds[i]
		printf "%-14s %8d %9.1f%%\n", kind, packets[kind], 100 * scans[kind] / packets[kind]
	}
	printf "\n%-14s %12s %12s\n", "", "said benign", "said scan"
	for (i = 1; i <= split("benign scan", truths, " "); i++) {
		truth = truths[i]
		total[truth] = table[truth, "benign"] + table[truth, "scan"]
		printf "%-14s %12d %12d\n", truth, table[truth, "benign"], table[truth, "scan"]
	}
	all = total["benign"] + total["scan"]
	most = total["benign"] > total["scan"] ? "benign" : "scan"
	printf "\nright: %.1f%% of %d packets; always saying `%s`: %.1f%%\n", \
		100 * right / all, all, most, 100 * total[most] / all
}
