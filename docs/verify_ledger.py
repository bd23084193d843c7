#!/usr/bin/env python3
"""Check a Tenure ledger without Tenure.

    python verify_ledger.py ENTRIES.jsonl CHECKPOINTS.jsonl PUBLIC_KEY

ENTRIES comes from `manage.py export_ledger`, CHECKPOINTS is the exported file, PUBLIC_KEY what
`manage.py checkpoint_ledger --public-key` printed when you first wrote it down. Needs only the
package `cryptography`. Ends with 1 and names every fault if the two do not fit each other.
"""

import base64
import hashlib
import json
import sys
from collections import defaultdict
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ZERO = "0" * 64


def sha(prefix: bytes, text: str) -> str:
    return hashlib.sha256(prefix + text.encode()).hexdigest()


def merkle(heads: dict[str, tuple[int, str]]) -> str:
    level = [
        hashlib.sha256(b"\x00" + f"{chain}\n{seq}\n{digest}".encode()).digest()
        for chain, (seq, digest) in sorted(heads.items())
    ]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in pairs]
        level = above + level[len(above) * 2 :]
    return level[0].hex() if level else ZERO


def checkpoints(path: str, key: Ed25519PublicKey) -> dict[str, dict[int, tuple[str, int]]]:
    """chain -> seq -> (hash, number): what the signed checkpoints fix."""
    fixed: dict[str, dict[int, tuple[str, int]]] = defaultdict(dict)
    heads: dict[str, tuple[int, str]] = {}
    prev = ZERO
    *lines, torn = Path(path).read_text().split("\n")
    if torn:
        print("Note: the last line was cut off while it was written. It fixes nothing yet.")
    for number, line in enumerate(lines, 1):
        told = json.loads(line)
        key.verify(base64.b64decode(told["signature"]), told["text"].encode())
        body = json.loads(told["text"])
        if body["number"] != number or body["prev"] != prev:
            raise ValueError(f"checkpoint {number} does not follow from the one before it")
        if body["restored"] is not None:
            print(f"Note: checkpoint {number} goes on from a backup as of {body['restored']}.")
            for chain, marks in fixed.items():
                fixed[chain] = {s: m for s, m in marks.items() if m[1] <= body["restored"]}
            tops = {chain: max(marks) for chain, marks in fixed.items() if marks}
            heads = {chain: (seq, fixed[chain][seq][0]) for chain, seq in tops.items()}
        for chain, seq, digest in body["changed"]:
            if seq <= heads.get(chain, (0, ""))[0]:
                raise ValueError(f"checkpoint {number} takes chain {chain} back")
            heads[chain] = (seq, digest)
            fixed[chain][seq] = (digest, number)
        if merkle(heads) != body["root"]:
            raise ValueError(f"the root of checkpoint {number} does not fit its heads")
        prev = sha(b"\x02", told["text"])
    return fixed


def main(entries: str, exported: str, public_key: str) -> int:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    try:
        fixed = checkpoints(exported, key)
    except (InvalidSignature, ValueError, KeyError) as error:
        print(f"The checkpoints are not whole: {error or 'a signature does not fit'}")
        return 1
    faults: list[str] = []
    ends: dict[str, tuple[int, str]] = defaultdict(lambda: (0, ZERO))
    count = 0
    with Path(entries).open() as lines:
        for e in map(json.loads, lines):
            count += 1
            chain, seq, (last, prev) = e["chain"], e["seq"], ends[e["chain"]]
            if seq != last + 1 or e["prev"] != prev:
                faults.append(f"{chain} {last + 1}: missing, or not following from the one before")
            elif e["hash"] != sha(b"\x00", f"{chain}\n{seq}\n{e['prev']}\n{e['body']}"):
                faults.append(f"{chain} {seq}: its hash does not fit its text")
            elif fixed[chain].get(seq, (e["hash"],))[0] != e["hash"]:
                faults.append(f"{chain} {seq}: not what checkpoint {fixed[chain][seq][1]} fixed")
            ends[chain] = (seq, e["hash"])
    for chain, marks in fixed.items():
        if marks and max(marks) > ends[chain][0]:
            faults.append(f"{chain} {ends[chain][0] + 1}: missing, fixed by a checkpoint")
    print("\n".join(faults) or f"Whole: {count:,} entries, {len(ends):,} chains.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
