#!/usr/bin/env python3
"""Trains the example's model and judges it on recordings it has never seen.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python train.py --skxc ../../target/release/skxc

Rows come from `skxc extract`, the very parser that runs in the kernel. A row's
label is that of its recording (see record.sh: a scan's recording holds the
scanner's packets only), and recordings, not packets, are split into training and
held-out ones.

Writes, beside this script:
    portscan.onnx          the model, its columns named in the property skxc.features
    heldout-expected.csv   scikit-learn's answer for each held-out packet, the witness
                           of `skxc check --expect`; in the order of
                           `skxc extract --only-classifiable captures/heldout/*.pcap`
"""

import argparse
import csv
import io
import subprocess
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier

HERE = Path(__file__).resolve().parent

# What a packet is judged by. Left out on purpose, because in these recordings they
# tell who sent a packet, or which run it was, rather than what it is:
#   ports            destination ports would be a list of the ports that were scanned;
#                    the scanner's source port is one number a run
#   sequence, acknowledgment and identification numbers    random, or one a run
#   ip_ttl           the number of hops of this laboratory (addresses are no features)
#   ip_dscp, ip_ecn, vlan_id, fragments    constant here, so nothing to learn from
# The flags stand one by one and not as `tcp_flags`: a tree splits that number by
# size, and what it learns of 0 (NULL) and 1 (FIN) says nothing about 41 (Xmas).
FEATURES = [
    "ip_protocol",
    "tcp_data_offset",
    "tcp_window_size",
    "tcp_urg_flag",
    "tcp_ack_flag",
    "tcp_psh_flag",
    "tcp_rst_flag",
    "tcp_syn_flag",
    "tcp_fin_flag",
    "udp_length",
    "payload_length",
    "icmp_type",
]


def main() -> None:
    arguments = parse_arguments()
    train = load(arguments.skxc, arguments.captures / "train")
    held_out = load(arguments.skxc, arguments.captures / "heldout")

    x, y = stack(train)
    model = RandomForestClassifier(n_estimators=10, max_depth=6, random_state=0)
    model.fit(x, y)

    report(model, train, held_out)
    export(model, HERE / "portscan.onnx")
    write_answers(model, held_out, HERE / "heldout-expected.csv")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skxc", default="skxc", help="the skxc program [skxc]")
    parser.add_argument("--captures", type=Path, default=HERE / "captures")
    return parser.parse_args()


def load(skxc: str, folder: Path) -> dict[str, np.ndarray]:
    """Rows of each recording of a folder, by its name such as `scan-syn-1`."""
    return {path.stem: extract(skxc, path) for path in sorted(folder.glob("*.pcap"))}


def extract(skxc: str, capture: Path) -> np.ndarray:
    command = [skxc, "extract", capture, "--only-classifiable"]
    command += ["--features", ",".join(FEATURES)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == FEATURES, f"skxc extract wrote the columns {rows[0]}"
    return np.array(rows[1:], dtype=np.float32)


def label(recording: str) -> str:
    return recording.split("-")[0]


def stack(recordings: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    x = np.concatenate(list(recordings.values()))
    y = np.concatenate([np.full(len(rows), label(name)) for name, rows in recordings.items()])
    return x, y


def report(model, train: dict[str, np.ndarray], held_out: dict[str, np.ndarray]) -> None:
    x, y = stack(held_out)
    found = model.predict(x)
    majority = max(set(y), key=list(y).count)
    print(f"trained on {sum(map(len, train.values()))} packets of {len(train)} recordings")
    print(f"held out   {len(y)} packets of {len(held_out)} recordings\n")
    print(f"always saying `{majority}` is right on {np.mean(y == majority):7.1%}")
    print(f"the model is right on             {np.mean(y == found):7.1%}\n")

    print(f"{'held out':<12}{'said benign':>12}{'said scan':>12}")
    for truth in ("benign", "scan"):
        counts = [np.sum((y == truth) & (found == said)) for said in ("benign", "scan")]
        print(f"{truth:<12}{counts[0]:>12}{counts[1]:>12}")

    # nmap's raw probes announce a window of 1024 whatever its options. How much of the
    # answer hangs on that one number is seen by giving them Linux's usual one.
    print(f"\n{'kind':<16}{'packets':>8}{'said scan':>12}{'had the TCP window been 64240':>32}")
    trained = {kind(name) for name in train}
    for name in sorted({kind(name) for name in held_out}):
        rows = np.concatenate([r for n, r in held_out.items() if kind(n) == name])
        share = np.mean(model.predict(rows) == "scan")
        disguised = np.mean(model.predict(with_window(rows, 64240)) == "scan")
        remark = "" if name in trained else "   not in training"
        print(f"{name:<16}{len(rows):>8}{share:>12.1%}{disguised:>32.1%}{remark}")

    order = np.argsort(-model.feature_importances_)
    weights = [f"{FEATURES[i]} {model.feature_importances_[i]:.2f}" for i in order[:6]]
    print("\nweighs most: " + ", ".join(weights))


def with_window(rows: np.ndarray, window: int) -> np.ndarray:
    """The rows, with another window in every TCP segment that announces one."""
    column = FEATURES.index("tcp_window_size")
    changed = rows.copy()
    changed[changed[:, column] > 0, column] = window
    return changed


def kind(recording: str) -> str:
    return recording.rsplit("-", 1)[0]


def export(model, path: Path) -> None:
    """skl2onnx with its defaults (ZipMap included), and the names of the columns."""
    onnx_model = to_onnx(model, initial_types=[("x", FloatTensorType([None, len(FEATURES)]))])
    # The same training shall give the same file: skl2onnx makes the graph's name up
    # and lists the operator sets in the order of a hash table.
    onnx_model.graph.name = "portscan"
    opsets = sorted(onnx_model.opset_import, key=lambda opset: opset.domain)
    del onnx_model.opset_import[:]
    onnx_model.opset_import.extend(opsets)
    columns = onnx_model.metadata_props.add()
    columns.key, columns.value = "skxc.features", ",".join(FEATURES)
    path.write_bytes(onnx_model.SerializeToString())


def write_answers(model, recordings: dict[str, np.ndarray], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", "recording"])
        for name, rows in recordings.items():
            writer.writerows([said, name] for said in model.predict(rows))


if __name__ == "__main__":
    main()
