"""Whoever may write to the Redis of a queue may write anything: what is not moonkey's is told of, and harms nobody beyond the rows that
it is about.

  python3 test_hostile.py MOONKEY [unittest's arguments]
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import batch_case  # noqa: E402
import worker_case  # noqa: E402
from batch_case import harness  # noqa: E402


class Worker(worker_case.Case):
    """Chunks that no coordinator has made."""

    def put(self, run, text, count=1, fields=None):
        run.sequence += 1
        chunk = f"1-{run.sequence}"
        if fields:
            run.boss.client.xadd(run.boss.key("chunks"), fields, id=chunk)
        else:
            self.assertEqual(run.boss("add", chunk, text, count), "ok")
        return chunk

    def test_chunks_that_are_none(self):
        run = self.begin()
        row = {"n": 1, "l": 1, "r": {"id": self.id(2), "name": "x"}}
        twice = [row, row]
        texts = ["", "[", "5", "null", "[]", "{}", "[5]", "[null]", '"\xff"', json.dumps(twice), 70 * "[" + 70 * "]",
                 json.dumps([{**row, "n": "1"}]), json.dumps([{**row, "n": 2**63}]), json.dumps([{**row, "l": {}}]),
                 json.dumps([{**row, "r": []}]), json.dumps([{**row, "h": 5}]),
                 json.dumps([{**row, "p": 1, "r": {"id": self.id(2), "changes": 5}}]),
                 json.dumps([{**row, "p": 1, "r": {"id": self.id(2), "changes": None}}])]
        for text in texts:
            self.put(run, text)
        self.put(run, None, fields={"x": "y"})
        run.add([self.row(3)])  # 1-20
        worker = self.hire()
        self.wait_for(lambda: "1-20" in run.reports(), "the worker is of no use any more")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertEqual(sorted(run.reports()), ["1-15", "1-16", "1-20"])  # an empty row fails, and a hash is none of a worker's business
        self.assertIn("chunk 1-10: the chunk is not what moonkey writes: row 1 is in it twice; it is left to others", done.err)


if __name__ == "__main__":
    harness.main()
