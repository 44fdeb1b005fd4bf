"""A Redis Cluster of three nodes, each a Redis of the tests' own."""
import time

import server

SETTINGS = "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-port {port}\ncluster-node-timeout 3000"
SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
START = 30  # seconds


class Cluster:
    def __init__(self, users=None):
        self.nodes = []
        for slots in SLOTS:
            bus = server.free_port()
            node = server.Redis(users, SETTINGS.format(port=bus))
            self.nodes.append(node)
            node.admin.execute_command("CLUSTER ADDSLOTSRANGE", *slots)
            self.nodes[0].admin.execute_command("CLUSTER MEET", "127.0.0.1", node.port, bus)
        deadline = time.monotonic() + START
        while not all(self.knows_all(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise OSError("the nodes of the cluster do not find each other")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @staticmethod
    def knows_all(node):
        info = node.admin.execute_command("CLUSTER INFO")
        return info["cluster_state"] == "ok" and info["cluster_slots_ok"] == "16384"

    def node_of(self, key):
        """The one that has the key."""
        slot = self.nodes[0].admin.execute_command("CLUSTER KEYSLOT", key)
        return next(node for node, (low, high) in zip(self.nodes, SLOTS) if low <= slot <= high)

    def run_on(self, node):
        """The id of a run whose keys are on that node."""
        return next(run for run in map("RUN-{}".format, range(1000)) if self.node_of(f"moonkey:{{{run}}}:run") is node)

    def stop(self):
        for node in self.nodes:
            node.stop()
