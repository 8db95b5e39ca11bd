#!/bin/sh
# The text of a model that keeps $1 numbers: how far apart the greatest and the least
# of their distances from a column are. One decision works on 8 bytes for each.
awk -v count="$1" '
function list(kind,  at) {
	printf "    %s: [", kind
	for (at = 0; at < count; at++)
		printf "%s%s", at ? ", " : "", at * 37 % 250
	print "]"
}
BEGIN {
	print "ir_version: 10\nproducer_name: \"hand\"\nopset_import { domain: \"\" version: 18 }"
	print "metadata_props { key: \"skxc.features\" value: \"ip_ttl,tcp_dest_port\" }"
	print "graph {\n  name: \"wide\""
	print "  initializer { name: \"first\" data_type: 7 dims: 1 int64_data: 0 }"
	print "  initializer {\n    name: \"kept\" data_type: 1 dims: 1 dims: " count
	list("float_data")
	print "  }\n  initializer { name: \"axes\" data_type: 7 dims: 1 int64_data: 1 }"
	print "  node { op_type: \"Gather\" name: \"column\" input: \"X\" input: \"first\" output: \"x\" attribute { name: \"axis\" type: INT i: 1 } }"
	print "  node { op_type: \"Sub\" name: \"from\" input: \"x\" input: \"kept\" output: \"d\" }"
	print "  node { op_type: \"Abs\" name: \"distances\" input: \"d\" output: \"a\" }"
	print "  node { op_type: \"ReduceMax\" name: \"greatest\" input: \"a\" input: \"axes\" output: \"high\" }"
	print "  node { op_type: \"ReduceMin\" name: \"least\" input: \"a\" input: \"axes\" output: \"low\" }"
	print "  node { op_type: \"Sub\" name: \"apart\" input: \"high\" input: \"low\" output: \"variable\" }"
	print "  input { name: \"X\" type { tensor_type { elem_type: 1 shape { dim {} dim { dim_value: 2 } } } } }"
	print "  output { name: \"variable\" type { tensor_type { elem_type: 1 shape { dim {} dim { dim_value: 1 } } } } }"
	print "}"
}'
