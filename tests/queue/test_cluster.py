"""A batch over a Redis Cluster, with the rights of the documentation: workers and coordinator name any node, and find the run on its own.

  python3 test_cluster.py MOONKEY [unittest's arguments]
"""
import os
import signal
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import cluster  # noqa: E402
import harness  # noqa: E402
import scripts  # noqa: E402
import server  # noqa: E402

ROWS = 300


class Cluster(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster.Cluster(scripts.users())
        cls.addClassCleanup(cls.cluster.stop)

    def setUp(self):
        super().setUp()
        for node in self.cluster.nodes:
            node.admin.flushall()
        self.api = self.emulator("--seed", str(ROWS))
        rows = [f"TKN-0000-{n:04},Row {n}" for n in range(1, ROWS + 1)]
        self.write("rows.csv", "id,name\n" + "\n".join(rows) + "\n")

    def env_of(self, user):
        return {**self.api.env, "MOONKEY_QUEUE_PASSWORD": server.password_of(user)}

    def begin(self, program, node, *args):
        return self.start(*args, "--queue", node.url("worker" if program == "worker" else "coordinator"), env=self.env_of(program))

    def hire(self, node, *args):
        return self.begin("worker", node, "worker", "-j", "4", "--lease", "2s", *args)

    def place_of_run(self):
        """The node that has the run which is under way."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for node in self.cluster.nodes:
                if any(key.endswith("}:run") for key in node.keys()):
                    return node
            time.sleep(0.02)
        self.fail("no run was begun")

    def ends_well(self, batch):
        done = self.finish(batch)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn(f"{ROWS} done, 0 failed", done.err)
        self.assertEqual(self.token(self.api.env, f"TKN-0000-{ROWS:04}")["name"], f"Row {ROWS}")
        self.assertEqual([node.keys() for node in self.cluster.nodes], [[], [], []], "all is removed again")

    def test_a_run_is_elsewhere_than_who_is_named(self):
        elsewhere = 0
        for named in self.cluster.nodes * 3:  # a run's id, and so its node, is nobody's choice
            batch = self.begin("coordinator", named, "batch", "rows.csv", "--chunk", "20", "--rate", "300/s")
            place = self.place_of_run()
            elsewhere += place is not named
            workers = [self.hire(node) for node in self.cluster.nodes if node is not place]
            self.ends_well(batch)
            self.end_well(workers)
            if elsewhere == 2:
                return
        self.fail("no run was elsewhere")

    def test_demands_are_made_on_the_node_that_has_the_run(self):
        batch = self.begin("coordinator", self.cluster.nodes[0], "batch", "rows.csv", "--journal", "run.journal")
        place = self.place_of_run()
        batch.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(batch).code, 130)
        place.admin.config_set("maxmemory-policy", "allkeys-lru")
        self.addCleanup(place.admin.config_set, "maxmemory-policy", "noeviction")
        named = next(node for node in self.cluster.nodes if node is not place)
        done = self.finish(self.begin("coordinator", named, "resume", "run.journal"))
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("its maxmemory-policy is allkeys-lru", done.err)

    def end_well(self, workers):
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            self.assertEqual(self.finish(worker).code, 143)

    def test_a_node_that_is_killed_and_started_anew_under_way(self):
        named = self.cluster.nodes[0]
        workers = [self.hire(named), self.hire(self.cluster.nodes[1])]
        batch = self.begin("coordinator", named, "batch", "rows.csv", "--chunk", "10", "--rate", "100/s")
        place = self.place_of_run()
        time.sleep(0.7)
        place.kill()
        time.sleep(0.5)
        place.start()
        self.ends_well(batch)
        self.end_well(workers)


if __name__ == "__main__":
    harness.main()
