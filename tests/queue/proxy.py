"""Links between a program and a server, each of which can be cut, made to drop everything, and slowed down.

  link = Link(port_of_the_server); …connect to link.port…; link.cut(); link.drop(); link.mend()

All links of a process share one thread. Bytes are passed on as they come, so nothing is known of what they mean.
"""
import asyncio
import threading

CHUNK = 65536


class _Loop:
    """The event loop of all links, in a thread of its own, begun with the first."""
    loop = None

    @classmethod
    def call(cls, coroutine):
        if not cls.loop:
            cls.loop = asyncio.new_event_loop()
            threading.Thread(target=cls.loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, cls.loop).result(10)


class Link:
    """`passes` and `refuses` are what it does now; `delay`: seconds that all bytes are late, each way.

    What is sent while nothing passes arrives once it does again, as with TCP, which repeats it: also what a program has sent that
    has closed its side since, because it had waited long enough. New connections wait, too.
    """

    def __init__(self, target):
        self.target, self.open = target, set()
        self.passes, self.refuses, self.delay = True, False, 0.0
        self.server = _Loop.call(self.listen())
        self.port = self.server.sockets[0].getsockname()[1]

    async def listen(self):
        return await asyncio.start_server(self.accept, "127.0.0.1", 0)

    async def accept(self, reader, writer):
        self.open.add(writer)
        far = None
        try:
            await self.until_passing()
            if self.refuses:
                return
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.target)
            self.open.add(far)
            await asyncio.gather(self.pump(reader, far), self.pump(far_reader, writer))
        except OSError:
            pass
        finally:
            for one in (writer, far):
                if one:
                    self.open.discard(one)
                    one.transport.abort()

    async def until_passing(self):
        while not self.passes:
            await asyncio.sleep(0.02)

    async def pump(self, reader, writer):
        while data := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self.until_passing()
            writer.write(data)
            await writer.drain()
        await self.until_passing()
        writer.close()

    # ---- from the test's thread

    def cut(self):
        """All its connections are reset now; new ones work."""
        _Loop.call(self.abort_all())

    async def abort_all(self):
        for writer in list(self.open):
            writer.transport.abort()

    def refuse(self):
        """As cut, and new ones are reset, too."""
        self.refuses = True
        self.cut()

    def drop(self):
        self.passes = False

    def slow(self, seconds):
        self.delay = seconds

    def mend(self):
        self.passes, self.refuses, self.delay = True, False, 0.0

    def close(self):
        self.refuse()
        self.passes = True
        _Loop.loop.call_soon_threadsafe(self.server.close)
