# Interrupts a run that is compiling, and says how it ended.
# The shell says that a program was ended, each in its own words.
exec 2> /dev/null
export TMPDIR=$PWD/scratch STARTED=$PWD/started SKXC_CLANG=$PWD/clang
skxc compile tree.onnx -o out -q &
run=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	test -e "$STARTED" && break
	sleep 0.2
done
ls scratch | sed 's/skxc-.*/skxc-.../'
kill -TERM $run
wait $run
echo "ended with $?"
