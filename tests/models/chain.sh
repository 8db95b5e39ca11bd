#!/bin/sh
# The text of a model: a chain of $1 tests on tcp_dest_port, each with a leaf,
# that vote for one of $2 classes (2 unless given).
awk -v depth="$1" -v classes="${2:-2}" '
# Even nodes are branches, but for the last; odd ones are leaves.
function value(of, id,  branch) {
	branch = id % 2 == 0 && id < 2 * depth
	if (of == "id") return id
	if (of == "feature") return branch ? 1 : 0
	if (of == "mode") return branch ? "\"BRANCH_LEQ\"" : "\"LEAF\""
	if (of == "threshold") return branch ? id / 2 + 0.5 : 0
	if (of == "yes") return branch ? id + 1 : 0
	if (of == "no") return branch ? id + 2 : 0
	if (of == "leaf") return id < depth ? 2 * id + 1 : 2 * depth
	if (of == "class") return classes > 2 ? id % classes : 0
	if (of == "weight") return id % 2 ? 0.25 : 0.75
	return 0
}
function list(name, kind, type, of, count,  id) {
	printf "    attribute { name: \"%s\" type: %s %s: [", name, type, kind
	for (id = 0; id < count; id++)
		printf "%s%s", id ? ", " : "", value(of, id)
	print "] }"
}
BEGIN { nodes = 2 * depth + 1; leaves = depth + 1 }
/nodes_treeids/ { list("nodes_treeids", "ints", "INTS", "zero", nodes); next }
/nodes_nodeids/ { list("nodes_nodeids", "ints", "INTS", "id", nodes); next }
/nodes_featureids/ { list("nodes_featureids", "ints", "INTS", "feature", nodes); next }
/nodes_modes/ { list("nodes_modes", "strings", "STRINGS", "mode", nodes); next }
/nodes_values/ { list("nodes_values", "floats", "FLOATS", "threshold", nodes); next }
/nodes_truenodeids/ { list("nodes_truenodeids", "ints", "INTS", "yes", nodes); next }
/nodes_falsenodeids/ { list("nodes_falsenodeids", "ints", "INTS", "no", nodes); next }
/class_treeids/ { list("class_treeids", "ints", "INTS", "zero", leaves); next }
/class_nodeids/ { list("class_nodeids", "ints", "INTS", "leaf", leaves); next }
/class_ids/ { list("class_ids", "ints", "INTS", "class", leaves); next }
/class_weights/ { list("class_weights", "floats", "FLOATS", "weight", leaves); next }
/classlabels/ { list("classlabels_int64s", "ints", "INTS", "id", classes); next }
/output { name: "prob/ { sub("dim_value: 2", "dim_value: " classes) }
{ print }
' tree.pbtxt
