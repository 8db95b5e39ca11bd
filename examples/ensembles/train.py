#!/usr/bin/env python3
"""Trains the trees and forests whose speed `cargo xtask ensembles` tells.

    python3 -m venv venv && venv/bin/pip install -r ../portscan/requirements.txt
    venv/bin/python train.py --skxc ../../target/release/skxc models

Writes models/NAME.onnx, each with its columns named in the property skxc.features,
and models/rows.csv, the packets on which they are timed. NAME is `dt-dD` for one
tree of depth D and `rfN-dD` for N trees; D is `unl` where depth has no limit.

Rows are packets of the portscan example's recordings, as `skxc extract` reads them.
There are few of them and they are easily told apart, so that trees would stay small;
traffic at large is not like that. So each training row is a packet of which a third of
the columns come from other packets, and one label in five is flipped: trees then grow
until their limit or until the rows run out. Rows that are timed are made in the same
way from the held-out recordings, and every one is different.
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
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent / "portscan" / "captures"

# Wide and narrow ones, in the mix that a parser of headers offers.
FEATURES = [
    "ip_dscp",
    "ip_total_length",
    "ip_id",
    "ip_flag_df",
    "ip_ttl",
    "ip_protocol",
    "l4_source_port",
    "l4_dest_port",
    "tcp_sequence_num",
    "tcp_ack_num",
    "tcp_data_offset",
    "tcp_window_size",
    "tcp_ack_flag",
    "tcp_psh_flag",
    "tcp_rst_flag",
    "tcp_syn_flag",
    "tcp_fin_flag",
    "udp_length",
    "icmp_type",
    "packet_length",
    "payload_length",
]
# Rows of one lone tree: it sees more of them than each tree of a forest, and grows so
# much the more. Rows of a forest: 500 unlimited trees then have about a million nodes.
TREE_ROWS = 60_000
FOREST_ROWS = 5_000
TIMED_ROWS = 20_000

DEPTHS = {"5": 5, "6": 6, "10": 10, "20": 20, "unl": None}
TREES = ["5", "10", "20", "unl"]
FORESTS = [(trees, depth) for depth in ("6", "10", "unl") for trees in (5, 10, 50, 100, 500)]


def main() -> None:
    arguments = parse_arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    x, y = mixed(*load(arguments.skxc, "train"), TREE_ROWS, seed=0)
    for depth in TREES:
        model = DecisionTreeClassifier(max_depth=DEPTHS[depth], random_state=0)
        export(model.fit(x, y), arguments.folder / f"dt-d{depth}.onnx")
    x, y = x[:FOREST_ROWS], y[:FOREST_ROWS]
    for trees, depth in FORESTS:
        model = RandomForestClassifier(
            n_estimators=trees, max_depth=DEPTHS[depth], random_state=0, n_jobs=-1
        )
        export(model.fit(x, y), arguments.folder / f"rf{trees}-d{depth}.onnx")
    rows, _ = mixed(*load(arguments.skxc, "heldout"), TIMED_ROWS, seed=1)
    write_rows(rows, arguments.folder / "rows.csv")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--skxc", default="skxc", help="the skxc program [skxc]")
    parser.add_argument("folder", type=Path, help="where the models go")
    return parser.parse_args()


def load(skxc: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Packets of all recordings of a part, and whether each is a scan's."""
    rows, labels = [], []
    for capture in sorted((CAPTURES / part).glob("*.pcap")):
        command = [skxc, "extract", str(capture), "--only-classifiable"]
        command += ["--features", ",".join(FEATURES)]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        packets = list(csv.reader(io.StringIO(text)))[1:]
        rows += packets
        labels += [int(capture.stem.startswith("scan"))] * len(packets)
    return np.array(rows, dtype=np.int64), np.array(labels)


def mixed(x: np.ndarray, y: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` rows: packets with columns of other packets, and labels with noise."""
    random = np.random.default_rng(seed)
    base = random.integers(len(x), size=count)
    other = random.integers(len(x), size=(count, x.shape[1]))
    foreign = random.random((count, x.shape[1])) < 1 / 3
    rows = np.where(foreign, x[other, np.arange(x.shape[1])], x[base])
    flipped = random.random(count) < 1 / 5
    return rows, y[base] ^ flipped


def export(model: RandomForestClassifier | DecisionTreeClassifier, path: Path) -> None:
    onnx = to_onnx(
        model,
        initial_types=[("X", FloatTensorType([None, len(FEATURES)]))],
        options={"zipmap": False},
        target_opset={"": 18, "ai.onnx.ml": 1},
    )
    onnx.metadata_props.add(key="skxc.features", value=",".join(FEATURES))
    path.write_bytes(onnx.SerializeToString(deterministic=True))
    print(path.name)


def write_rows(rows: np.ndarray, path: Path) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(FEATURES)
        out.writerows(rows.tolist())


if __name__ == "__main__":
    main()
