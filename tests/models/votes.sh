#!/bin/sh
# The text of a model: $1 trees of one test on tcp_dest_port each; the first
# weighs three quarters, all others together a quarter.
awk -v trees="$1" '
# Nodes and leaves go tree by tree: a test, "yes", "no".
function value(of, at,  tree, id) {
	tree = int(at / 3)
	id = at % 3
	if (of == "tree") return tree
	if (of == "id") return id
	if (of == "feature") return id ? 0 : 1
	if (of == "mode") return id ? "\"LEAF\"" : "\"BRANCH_LEQ\""
	if (of == "threshold") return id ? 0 : 100 + tree + 0.5
	if (of == "yes") return id ? 0 : 1
	if (of == "no") return id ? 0 : 2
	# Of leaves, two a tree.
	tree = int(at / 2)
	id = at % 2
	if (of == "leaf tree") return tree
	if (of == "leaf") return id + 1
	if (of == "weight") return !id ? 0 : tree ? 0.25 / (trees - 1) : 0.75
	return 0
}
function list(name, kind, type, of, count,  at) {
	printf "    attribute { name: \"%s\" type: %s %s: [", name, type, kind
	for (at = 0; at < count; at++)
		printf "%s%s", at ? ", " : "", value(of, at)
	print "] }"
}
BEGIN { nodes = 3 * trees; leaves = 2 * trees }
/nodes_treeids/ { list("nodes_treeids", "ints", "INTS", "tree", nodes); next }
/nodes_nodeids/ { list("nodes_nodeids", "ints", "INTS", "id", nodes); next }
/nodes_featureids/ { list("nodes_featureids", "ints", "INTS", "feature", nodes); next }
/nodes_modes/ { list("nodes_modes", "strings", "STRINGS", "mode", nodes); next }
/nodes_values/ { list("nodes_values", "floats", "FLOATS", "threshold", nodes); next }
/nodes_truenodeids/ { list("nodes_truenodeids", "ints", "INTS", "yes", nodes); next }
/nodes_falsenodeids/ { list("nodes_falsenodeids", "ints", "INTS", "no", nodes); next }
/class_treeids/ { list("class_treeids", "ints", "INTS", "leaf tree", leaves); next }
/class_nodeids/ { list("class_nodeids", "ints", "INTS", "leaf", leaves); next }
/class_ids/ { list("class_ids", "ints", "INTS", "zero", leaves); next }
/class_weights/ { list("class_weights", "floats", "FLOATS", "weight", leaves); next }
{ print }
' tree.pbtxt
