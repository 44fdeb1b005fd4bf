"""PUT each row of a JSONL file with httpx's asynchronous client: python3 httpx_puts.py BASE_URL ROWS CONNECTIONS"""
import asyncio
import json
import sys

import httpx

HEADERS = {
    "User-Agent": "moonkey/0.1.0",
    "Accept-Encoding": "gzip",
    "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
    "Authorization": "Bearer idt:TKN-9999-9999:madeupmadeupmadeupmadeupmadeupmadeup",
    "Accept": "application/json",
    "Content-Type": "application/json",
}


async def work(client, rows):
    wrong = 0
    for line in rows:  # shared by all workers: each takes the next one
        fields = json.loads(line)
        path = "/public/v1/accounts/api-tokens/" + fields.pop("id")
        reply = await client.put(path, content=json.dumps(fields).encode())
        wrong += reply.status_code != 200 or not reply.content
    return wrong


async def main(base, file, connections):
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(base_url=base, headers=HEADERS, limits=limits, trust_env=False, timeout=60) as client:
        with open(file, encoding="utf-8") as rows:
            return sum(await asyncio.gather(*(work(client, rows) for _ in range(connections))))


WRONG = asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
sys.exit(f"httpx: {WRONG} requests went wrong" if WRONG else 0)
