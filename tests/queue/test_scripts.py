"""What runs inside of Redis, against a real one, and with no more rights than the documentation gives to a worker and a coordinator.

  python3 test_scripts.py [unittest's arguments]
"""
import collections
import json
import time
import unittest

import redis as client

import scripts
import server

LEASE = 300  # ms: long enough for what is to be held, short enough to wait for
MOST = 5


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = server.Redis(users=scripts.users())
        cls.addClassCleanup(cls.redis.stop)

    def setUp(self):
        self.redis.admin.flushall()
        self.boss, self.worker = scripts.Side(self.redis, "coordinator"), scripts.Side(self.redis, "worker")
        self.begin()

    def begin(self, *fields):
        answer = self.boss("begin", "boss-1", 60000, "state", "open", "rate", "0", *fields)
        self.assertEqual(answer[0], "ok")
        self.assertEqual(self.boss("vouch", self.boss.server), "ok")

    def add(self, *ids):
        for chunk in ids:
            self.assertEqual(self.boss("add", chunk, f"rows of {chunk}", 3), "ok")

    def take(self, consumer="w1", most=MOST, lease=LEASE):
        return self.worker("take", consumer, lease, most)

    def beat(self, consumer, *held, facts="{}", lease=LEASE):
        return self.worker("beat", consumer, lease, facts, *held)

    def pass_lease(self):
        time.sleep(LEASE / 1000 + 0.02)

    def results(self):
        return [fields for _, fields in self.boss.client.xrange(self.boss.key("results"))]

    def restart(self):
        while self.redis.admin.info("persistence")["aof_buffer_length"]:  # its write waits while the one before is flushed to the disk
            time.sleep(0.01)
        self.redis.kill()
        self.redis.start()
        self.boss, self.worker = scripts.Side(self.redis, "coordinator"), scripts.Side(self.redis, "worker")


class Chunks(Case):
    def test_are_given_out_in_order_once_each(self):
        self.add("1-1", "1-2")
        self.assertEqual(self.take("w1"), ["open", "1-1", "rows of 1-1", 1])
        self.assertEqual(self.take("w2"), ["open", "1-2", "rows of 1-2", 1])
        self.assertEqual(self.take("w3"), ["open"])

    def test_of_a_worker_with_a_longer_lease_are_its_own_for_that_long(self):
        self.add("1-1")
        self.take("w1", lease=3 * LEASE)
        self.beat("w1", "1-1", lease=3 * LEASE)
        self.pass_lease()
        self.assertEqual(self.take("w2"), ["open"])
        self.pass_lease(), self.pass_lease()
        self.assertEqual(self.take("w2"), ["open", "1-1", "rows of 1-1", 2])

    def test_that_holds_before_its_first_beat_too(self):
        self.add("1-1")
        self.take("w1", lease=3 * LEASE)
        self.pass_lease()
        self.assertEqual(self.take("w2"), ["open"])

    def test_added_twice_are_refused(self):
        self.add("1-1", "1-2")
        self.assertEqual(self.boss("add", "1-1", "rows", 3), "exists")
        self.take(), self.take()
        self.assertEqual(self.worker("finish", "w1", "1-2", 1, "{}"), "ok")
        self.assertEqual(self.boss("add", "1-2", "rows", 3), "exists", "also one that is done")
        self.assertEqual(self.boss("list"), ["1-2", "1-1"])

    def test_a_finished_one_leaves_its_results_alone(self):
        self.add("1-1")
        self.take()
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "RESULTS"), "ok")
        self.assertEqual(self.results(), [{"kind": "rows", "chunk": "1-1", "consumer": "w1", "body": "RESULTS"}])
        self.assertEqual(self.boss("watch", "boss-1", 1000)[:6], ["open", 0, 0, 1, 0, ""])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "RESULTS"), "lost", "and is not finished twice")
        self.assertEqual(len(self.results()), 1)
        for name in ("sizes", "holders", "intents"):
            self.assertFalse(self.redis.admin.exists(self.boss.key(name)), name)

    def test_the_same_for_all_runs_but_their_own(self):
        self.add("1-1")
        other = scripts.Side(self.redis, "worker", "RUN-2")
        self.assertEqual(other("take", "w1", LEASE, MOST), ["gone"])
        self.assertEqual([key for key in self.redis.keys() if "RUN-2" in key], [])


class Fence(Case):
    def test_what_a_dead_worker_left_comes_first_after_its_lease(self):
        self.add("1-1", "1-2")
        self.take("w1")
        self.assertEqual(self.take("w2")[1], "1-2", "not before")
        self.add("1-3")
        self.beat("w2", "1-2")
        self.pass_lease()
        self.beat("w2", "1-2")
        self.assertEqual(self.take("w3"), ["open", "1-1", "rows of 1-1", 2])

    def test_a_worker_frozen_past_its_lease_can_report_nothing(self):
        self.add("1-1")
        self.take("w1")
        self.pass_lease()
        self.assertEqual(self.take("w2")[3], 2)
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "LATE"), "lost")
        self.assertEqual(self.worker("finish", "w1", "1-1", 2, "LATE"), "lost")
        self.assertEqual(self.worker("note", "w1", "1-1", 1, "LATE", "7", "POST /x"), "lost")
        self.assertEqual(self.results(), [])
        self.assertFalse(self.redis.admin.exists(self.boss.key("intents")))
        self.assertEqual(self.beat("w1", "1-1"), ["open", 0, 1, "1-1"])
        self.assertEqual(self.take("w1"), ["open"], "and the beat of one who lost it does not take it back")
        self.assertEqual(self.worker("finish", "w2", "1-1", 2, "RIGHT"), "ok")

    def test_the_same_worker_has_to_say_which_delivery(self):
        self.add("1-1")
        self.take("w1")
        self.pass_lease()
        self.assertEqual(self.take("w1")[3], 2)
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "FIRST"), "lost")
        self.assertEqual(self.worker("finish", "w1", "1-1", 2, "SECOND"), "ok")

    def test_past_the_lease_but_given_to_nobody_is_still_its_own(self):
        self.add("1-1")
        self.take("w1")
        self.pass_lease()
        self.assertEqual(self.beat("w1", "1-1"), ["open", 0, 1])
        self.assertEqual(self.take("w2"), ["open"])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "ok")

    def test_a_beat_does_not_count_as_a_delivery(self):
        self.add("1-1")
        self.take("w1")
        for _ in range(10):
            self.beat("w1", "1-1")
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "ok")

    def test_a_beat_names_what_is_no_more(self):
        self.add("1-1", "1-2")
        self.take("w1"), self.take("w1")
        self.assertEqual(self.boss("drop", "1-1", "9-9"), 1)
        self.assertEqual(self.beat("w1", "1-1", "1-2"), ["open", 0, 1, "1-1"])
        self.assertEqual(self.boss("list"), ["1-2", "1-2"])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "lost")


class Dead(Case):
    def give_out(self, times):
        for i in range(times):
            self.assertEqual(self.take(f"w{i + 1}")[1:], ["1-1", "rows of 1-1", i + 1])
            self.pass_lease()

    def test_after_five_deliveries_a_chunk_is_set_aside(self):
        self.add("1-1", "1-2")
        self.give_out(MOST)
        self.assertEqual(self.take("w6")[1], "1-2", "and the next one is given out")
        self.assertEqual(self.boss("list"), ["1-2", "1-2"])
        report, = self.results()
        self.assertEqual((report["kind"], report["chunk"]), ("dead", "1-1"))
        self.assertEqual(json.loads(report["body"]), {"deliveries": 5, "consumers": "w1,w2,w3,w4,w5"})
        (_, copy), = self.boss.client.xrange(self.boss.key("dead"))
        self.assertEqual(copy, {"chunk": "1-1", "count": "3", "deliveries": "5", "consumers": "w1,w2,w3,w4,w5"})
        self.assertEqual(self.worker("finish", "w5", "1-1", 5, "LATE"), "lost")

    def test_at_most_a_thousand_are_kept(self):
        for i in range(1100):
            self.add(f"1-{i + 1}")
            self.take("w1", lease=600000)
        self.worker("beat", "w1", 1, "{}")
        self.pass_lease()
        self.assertEqual(self.take("w2", most=1), ["open"])
        self.assertEqual(self.boss.client.xlen(self.boss.key("dead")), 1000)
        self.assertEqual(len(self.results()), 1100)


class Intents(Case):
    def test_come_with_the_chunk_until_it_is_finished(self):
        self.add("1-1", "1-2", "11-1")
        self.take("w1"), self.take("w9"), self.take("w9")
        self.assertEqual(self.worker("note", "w1", "1-1", 1, "BODY", "7", "POST /public/v1/x"), "ok")
        self.assertEqual(self.worker("note", "w9", "11-1", 1, "BODY", "9", "POST /y"), "ok")
        self.assertEqual(self.worker("note", "w9", "11-1", 1, "CHANGES"), "ok")
        self.assertEqual([(r["kind"], r["body"]) for r in self.results()], [("note", "BODY"), ("note", "BODY"), ("note", "CHANGES")])
        self.pass_lease()
        self.assertEqual(self.take("w2"), ["open", "1-1", "rows of 1-1", 2, "7", "POST /public/v1/x"])
        self.assertEqual(self.worker("finish", "w2", "1-1", 2, "{}"), "ok")
        self.assertEqual(self.boss.client.hgetall(self.boss.key("intents")), {"11-1/9": "POST /y"})

    def test_are_established_anew_by_who_vouches(self):
        self.add("1-1")
        self.assertEqual(self.boss("vouch", self.boss.server, "1-1/2", "POST /x", "1-1/3", "POST /y"), "ok")
        answer = self.take("w1")
        self.assertEqual(answer[:4], ["open", "1-1", "rows of 1-1", 1])
        self.assertEqual(sorted(answer[4:]), ["2", "3", "POST /x", "POST /y"])


class States(Case):
    def test_only_an_open_run_gives_out_chunks_and_all_take_results(self):
        self.add("1-1", "1-2", "1-3")
        for deliveries, state in enumerate(("closing", "halted", "cancelled"), 1):
            self.begin()
            chunk = self.take("w1")[1]
            self.assertEqual(self.boss("state", state, "because"), state)
            self.assertEqual(self.take("w1"), [state])
            self.assertEqual(self.beat("w1"), [state, 0, 1])
            self.assertEqual(self.boss("watch", "boss-1", 60000)[0], state)
            self.assertEqual(self.worker("finish", "w1", chunk, 1, "{}"), "ok")
            self.assertEqual(len(self.results()), deliveries)

    def test_are_not_taken_back(self):
        self.boss("state", "cancelled", "by hand")
        self.assertEqual(self.boss("state", "closing", "Ctrl-C"), "cancelled")
        self.assertEqual(self.boss.client.hmget(self.boss.key("run"), "state", "why"), ["cancelled", "by hand"])

    def test_are_not_changed_by_a_coordinator_that_is_no_more(self):
        self.assertEqual(self.boss("state", "closing", "Ctrl-C", "boss-0"), "open")
        self.assertEqual(self.boss("state", "closing", "Ctrl-C", "boss-1"), "closing")
        self.redis.admin.delete(self.boss.key("coordinator"))
        self.assertEqual(self.boss("state", "halted", "halt", "boss-0"), "halted")

    def test_of_no_run_are_gone_and_nothing_is_left_of_the_question(self):
        self.redis.admin.flushall()
        for answer, call in (
            (["gone"], ("take", "w1", LEASE, MOST)), (["gone", 0, 0, "1-1"], ("beat", "w1", LEASE, "{}", "1-1")),
            ("gone", ("finish", "w1", "1-1", 1, "{}")), ("gone", ("note", "w1", "1-1", 1, "{}")), ([0, 1000], ("pace", "w1", 3)),
            (0, ("pause", "w1", 1000)), ("gone", ("leave", "w1")),
        ):
            self.assertEqual(self.worker(*call), answer, call)
        for answer, call in (
            ("gone", ("add", "1-1", "rows", 3)), (["gone"], ("watch", "boss-1", 1000)), ([], ("list",)), ([], ("withdraw",)),
            (0, ("drop", "1-1")), ("gone", ("vouch", "x")), ("gone", ("state", "halted", "why")), (["gone"], ("purge", "", "")),
            ([], ("look", 10)),
        ):
            self.assertEqual(self.boss(*call), answer, call)
        self.assertEqual(self.redis.keys(), [])


class Vouching(Case):
    def test_after_a_restart_nothing_is_given_out_or_accepted_before_it(self):
        self.add("1-1", "1-2")
        self.take("w1")
        old = self.boss.server
        self.restart()
        self.assertNotEqual(self.boss.server, old)
        self.assertEqual(self.take("w2"), ["unvouched"])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "unvouched")
        self.assertEqual(self.worker("note", "w1", "1-1", 1, "{}", "1", "POST /x"), "unvouched")
        self.assertEqual(self.beat("w1", "1-1", "1-2"), ["unvouched", 0, 1, "1-2"], "but what it holds it may hold on to")
        self.assertEqual(self.boss("vouch", old), "unvouched", "not for another than that it has compared with")
        self.assertEqual(self.boss("begin", "boss-1", 1000, "state", "open")[0], "ok")
        self.assertEqual(self.take("w2"), ["unvouched"], "nor by beginning it once more")
        self.assertEqual(self.boss("vouch", self.boss.server), "ok")
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "ok")
        self.assertEqual(self.take("w2")[1], "1-2")

    def test_a_cancelled_run_needs_nobody(self):
        self.add("1-1")
        self.take("w1")
        self.boss("state", "cancelled", "by hand")
        self.restart()
        self.assertEqual(self.beat("w1", "1-1"), ["cancelled", 0, 1])
        self.assertEqual(self.worker("finish", "w1", "1-1", 1, "{}"), "ok")

    def test_what_the_server_forgot_can_be_added_anew(self):
        self.add("1-1", "1-2")
        self.redis.admin.bgrewriteaof()
        time.sleep(1.2)
        self.add("1-3")
        self.assertGreater(self.redis.kill_and_forget(0.5), 0)
        self.redis.start()
        self.boss, self.worker = scripts.Side(self.redis, "coordinator"), scripts.Side(self.redis, "worker")
        self.assertEqual(sorted(self.boss("list")[1:]), ["1-1", "1-2"])
        self.assertEqual(self.boss("add", "1-2", "rows", 3), "exists")
        self.add("1-3")


class Coordinators(Case):
    def test_there_is_one(self):
        self.assertEqual(self.boss("begin", "boss-2", 60000, "state", "open")[:2], ["busy", "boss-1"])
        self.assertEqual(self.boss("watch", "boss-2", 1000), ["usurped", "boss-1"])

    def test_another_takes_over_once_it_is_dead(self):
        self.boss("watch", "boss-1", 100)
        time.sleep(0.15)
        self.assertEqual(self.boss("begin", "boss-2", 60000, "state", "open")[0], "ok")
        self.assertEqual(self.boss("watch", "boss-1", 60000), ["usurped", "boss-2"])
        self.assertEqual(self.boss("watch", "boss-2", 60000)[0], "open")

    def test_beginning_again_keeps_when_it_was_begun_and_what_is_there(self):
        self.add("1-1")
        begun = self.boss("begin", "boss-1", 1000, "state", "open")[1]
        self.assertLess(abs(int(begun) / 1000 - time.time()), 30)
        time.sleep(0.02)
        self.assertEqual(self.boss("begin", "boss-1", 1000, "state", "closing"), ["ok", begun])
        self.assertEqual(self.boss("list"), ["1-1", "1-1"])
        self.assertEqual(self.take(), ["closing"])

    def test_withdraws_what_nobody_has_taken(self):
        self.add("1-1", "1-2", "1-3")
        self.take("w1")
        self.assertEqual(sorted(self.boss("withdraw")), ["1-2", "1-3"])
        self.assertEqual(self.boss("list"), ["1-3", "1-1"])
        self.assertEqual(self.take("w2"), ["open"])
        self.pass_lease()
        self.assertEqual(self.boss("withdraw"), [], "nor what a dead worker left")

    def test_sees_workers_until_they_are_silent_for_some_leases(self):
        self.add("1-1")
        self.take("w1", lease=50)
        self.beat("w1", "1-1", facts='{"host":"h","rate":1.5}', lease=50)
        self.beat("w2", facts='{"host":"i"}')
        answer = self.boss("watch", "boss-1", 1000)
        self.assertEqual(answer[:6], ["open", 0, 1, 0, 0, ""])
        workers = {answer[i]: json.loads(answer[i + 1]) for i in range(6, len(answer), 2)}
        self.assertEqual(set(workers), {"w1", "w2"})
        self.assertEqual((workers["w1"]["host"], workers["w1"]["rate"]), ("h", 1.5))
        self.assertLess(abs(workers["w1"]["at"] / 1000 - time.time()), 30)
        self.assertLess(workers["w1"]["age"], 50 * 4)
        time.sleep(0.25)
        self.assertEqual(self.boss("watch", "boss-1", 1000)[6::2], ["w2"])
        self.assertEqual(self.take("w2", lease=50)[1], "1-1", "what it held is not lost with it")

    def test_tells_by_what_a_worker_has_ended(self):
        for name in ("w1", "w2", "w3"):
            self.beat(name)
        self.worker("leave", "w1", "no setup")
        self.worker("leave", "w2", "no setup, either")
        self.worker("leave", "w3")
        self.assertEqual(self.boss("watch", "boss-1", 1000), ["open", 0, 0, 0, 0, "w2 no setup, either"])

    def test_what_a_worker_wrote_harms_nobody_else(self):
        self.add("1-1")
        self.take("w1")
        for text in ("", "5", "null", "[[", "[]", '{"at":"x","lease":null}', '{"at":{},"lease":-1}', '{"at":1e300}', "\0"):
            self.worker.client.hset(self.boss.key("workers"), "w1", text)
            self.assertEqual(self.boss("look", 10)[6][0], "w1", text)
            self.assertEqual(self.boss("watch", "boss-1", 1000)[0], "open", text)
        self.worker.client.hset(self.boss.key("workers"), "w1", "5")
        self.assertEqual(self.take("w2", lease=1)[1], "1-1")

    def test_purges_what_is_its_own(self):
        self.add("1-1")
        self.assertEqual(self.boss("purge", "", ""), ["alive", "boss-1"])
        self.take()
        self.worker("finish", "w1", "1-1", 1, "{}")
        self.assertEqual(self.boss("purge", "boss-1", ""), ["results", 1])
        self.assertNotEqual(self.redis.keys(), [])
        self.assertEqual(self.boss("purge", "", "force"), ["ok"])
        self.assertEqual(self.redis.keys(), [])


class Leaving(Case):
    def consumers(self):
        return {entry["name"] for entry in self.redis.admin.xinfo_consumers(self.boss.key("chunks"), "workers")}

    def test_removes_a_worker_that_holds_nothing(self):
        self.add("1-1")
        self.take("w1")
        self.beat("w1", "1-1")
        self.worker("finish", "w1", "1-1", 1, "{}")
        self.assertEqual(self.consumers(), {"w1"})
        self.assertEqual(self.worker("leave", "w1"), "ok")
        self.assertEqual((self.consumers(), self.redis.admin.hgetall(self.boss.key("workers"))), (set(), {}))

    def test_keeps_what_it_still_holds(self):
        self.add("1-1")
        self.take("w1")
        self.assertEqual(self.worker("leave", "w1"), "ok")
        self.pass_lease()
        self.assertEqual(self.take("w2")[1], "1-1")


class Pace(Case):
    def rate(self, text):
        self.redis.admin.hset(self.boss.key("run"), "rate", text)

    def test_of_no_rate(self):
        self.assertEqual(self.worker("pace", "w1", 50), [50, 0])

    def test_begins_with_a_tenth_of_a_second_and_says_when_there_is_more(self):
        self.rate("50")
        granted, wait = self.worker("pace", "w1", 100)
        self.assertEqual(granted, 5)
        self.assertTrue(1 <= wait <= 50, wait)
        self.assertEqual(self.worker("pace", "w1", 100)[0], 0)
        time.sleep(wait / 1000 + 0.002)
        self.assertGreaterEqual(self.worker("pace", "w1", 1)[0], 1)

    def test_who_wants_more_comes_back_for_a_share_and_not_for_the_next_one(self):
        self.rate("1000")
        self.assertEqual(self.worker("pace", "w1", 100), [100, 0])
        for name in ("w1", "w2", "w3", "w4"):
            self.beat(name)
        self.assertEqual(self.worker("pace", "w1", 1000)[1], 50, "half of what the bucket holds: nothing of it is lost")
        granted, wait = self.worker("pace", "w1", 12)
        self.assertGreaterEqual(wait, min(50, (12 - granted) * 4), "four workers, and one in a millisecond")

    def test_less_than_one_a_second(self):
        self.rate("0.5")
        self.assertEqual(self.worker("pace", "w1", 100)[0], 1)
        granted, wait = self.worker("pace", "w1", 100)
        self.assertEqual(granted, 0)
        self.assertTrue(1900 <= wait <= 2000, wait)

    def test_is_never_over_the_limit_by_more_than_the_bucket(self):
        self.rate("200")
        grants, begun = collections.deque(), time.monotonic()
        while time.monotonic() - begun < 1.5:
            before = time.monotonic()
            granted, wait = self.worker("pace", "w1", 7)
            grants.append((before, time.monotonic(), granted))
            time.sleep(min(wait, 3) / 1000)
        total = sum(granted for _, _, granted in grants)
        self.assertGreater(total, 200 * 1.5 * 0.9)
        for i, (first, _, _) in enumerate(grants):  # every window of time
            sum_of = 0
            for _, last, granted in list(grants)[i:]:
                sum_of += granted
                self.assertLessEqual(sum_of, 200 * (last - first) + 20 + 1)

    def test_a_clock_that_is_set_back_grants_no_more_and_stops_nothing(self):
        self.rate("100")
        self.worker("pace", "w1", 100)
        ahead = int(time.time() * 1e6) + 3600 * 1000000
        self.redis.admin.hset(self.boss.key("pace"), mapping={"tokens": "0", "at": str(ahead)})
        self.assertEqual(self.worker("pace", "w1", 1)[0], 0)
        time.sleep(0.05)
        self.assertTrue(1 <= self.worker("pace", "w1", 100)[0] <= 10)
        self.redis.admin.hset(self.boss.key("pace"), mapping={"tokens": "0", "at": "1000000"})
        self.assertEqual(self.worker("pace", "w1", 100)[0], 10)


class Pauses(Case):
    def test_hold_for_all(self):
        self.assertGreater(self.worker("pause", "w1", 400), 390)
        granted, wait = self.worker("pace", "w1", 5)
        self.assertEqual(granted, 0)
        self.assertTrue(300 < wait <= 400, wait)
        self.assertTrue(300 < self.beat("w2")[1] <= 400)

    def test_a_shorter_one_does_not_end_a_longer_one(self):
        self.worker("pause", "w1", 5000)
        self.assertGreater(self.worker("pause", "w1", 100), 4000)
        self.assertGreater(self.worker("pause", "w1", 20000.7), 19000)

    def test_of_more_than_five_minutes_are_five_minutes(self):
        self.assertTrue(299000 < self.worker("pause", "w1", 10 ** 9) <= 300000)


class Look(Case):
    def test_tells_all_and_changes_nothing(self):
        self.add("1-1", "1-2", "1-3")
        self.take("w1", most=1), self.take("w1")
        self.pass_lease()
        self.beat("w1", "1-2", facts='{"host":"h"}')
        self.take("w2", most=1)  # sets 1-1 aside
        self.worker("pause", "w1", 5000)
        before = {key: value for key, value in self.redis.dump().items()}
        run, boss, pause, reports, dead, chunks, workers, set_aside, age = self.boss("look", 10)
        self.assertEqual(self.redis.dump(), before)
        facts = dict(zip(run[::2], run[1::2]))
        self.assertEqual((facts["state"], facts["server"], boss), ("open", self.boss.server, "boss-1"))
        self.assertTrue(4000 < pause <= 5000)
        self.assertTrue(LEASE < age < 10000, age)
        self.assertEqual((reports, dead), (1, 1))
        chunks = {chunk[0]: chunk[1:] for chunk in chunks}
        self.assertEqual({chunk: (rows, who, times) for chunk, (rows, who, _, times) in chunks.items()},
                         {"1-2": (3, "w1", 1), "1-3": (3, "w2", 1)})
        facts = dict(zip(workers[::2], map(json.loads, workers[1::2])))
        self.assertEqual(facts["w1"]["host"], "h")
        self.assertEqual({consumer: each["age"] < 5000 for consumer, each in facts.items()}, {"w1": True, "w2": True})
        self.assertEqual(set_aside[0][:4], ["1-1", 3, 1, "w1"])
        self.assertLess(set_aside[0][4], 5000)


class Rights(Case):
    def test_a_worker_has_no_more_than_it_needs(self):
        self.redis.admin.set("of others", "x")
        for words in (("get", "of others"), ("keys", "*"), ("flushall",), ("config", "get", "*"), ("del", "moonkey:{RUN-1}:chunks"),
                      ("set", "of others", "y"), ("zadd", "moonkey:runs", 1, "x"), ("acl", "list"), ("monitor",), ("subscribe", "x")):
            for side in (self.worker, self.boss):
                if side is self.boss and words[0] in ("del", "zadd"):
                    continue
                with self.assertRaises(client.ResponseError, msg=words) as raised:
                    side.client.execute_command(*words)
                self.assertIn("permissions", str(raised.exception))

    def test_scripts_have_those_of_who_runs_them(self):
        with self.assertRaises(client.ResponseError):
            self.worker("purge", "", "force")
        self.assertTrue(self.redis.admin.exists(self.boss.key("run")))


if __name__ == "__main__":
    unittest.main()
