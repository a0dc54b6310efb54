"""Asks a server of the Model Context Protocol with its Python library, and prints what came as JSON.

WAY is `http URL` or `stdio COMMAND ARGUMENT...`; MCP_MODE is `auto` or `legacy`, MCP_TOKEN the bearer token of a URL, and MCP_CALLS what is
called, [[NAME, ARGUMENTS], ...].
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


async def ask(server):
    async with Client(server, mode=os.environ["MCP_MODE"]) as client:
        tools = await client.list_tools()
        told = []
        for name, arguments in json.loads(os.environ["MCP_CALLS"]):
            result = await client.call_tool(name, arguments)
            told.append({"isError": result.is_error, "text": result.content[0].text})
        print(json.dumps({"tools": [tool.name for tool in tools.tools], "told": told}))


async def main(way, *words):
    if way == "stdio":
        await ask(StdioServerParameters(command=words[0], args=list(words[1:]), env=dict(os.environ)))
        return
    headers = {"Authorization": "Bearer " + os.environ["MCP_TOKEN"]}
    async with httpx2.AsyncClient(headers=headers) as http:
        await ask(streamable_http_client(words[0], http_client=http))


asyncio.run(main(*sys.argv[1:]))
