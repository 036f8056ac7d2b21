"""What most people would write: FastAPI, a pydantic model, one `send` per event; acks=all and idempotent too.

``python -m tests.benchmarks.plain_endpoint BOOTSTRAP PORT`` serves until it is ended.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from aiokafka import AIOKafkaProducer as _AIOKafkaProducer
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

AIOKafkaProducer: Any = _AIOKafkaProducer  # half typed


class Usage(BaseModel):
    feature: str = Field(min_length=1, max_length=128)
    count: int = Field(1, ge=1)
    actor: str | None = None


class Context(BaseModel):
    groupId: str | None = None  # noqa: N815 - the wire's name


class Call(BaseModel):
    type: str
    event: str = Field(min_length=1, max_length=128)
    userId: str  # noqa: N815
    messageId: str = Field(max_length=100)  # noqa: N815
    timestamp: str
    context: Context
    properties: dict[str, Any] = {}


class Batch(BaseModel):
    batch: list[Call]
    sentAt: str  # noqa: N815


class CloudEvent(BaseModel):
    specversion: str
    id: str
    source: str
    type: str
    subject: str = Field(min_length=1, max_length=128)
    time: str
    data: Usage


def make_app(bootstrap: str) -> FastAPI:
    state: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        state["producer"] = producer
        yield
        await producer.stop()

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/events")
    async def take(events: list[CloudEvent] | CloudEvent, authorization: Annotated[str, Header()]) -> dict[str, Any]:
        if not authorization.startswith("Bearer "):
            raise HTTPException(401)
        return await written(events if isinstance(events, list) else [events])

    @app.post("/v1/batch")
    async def take_batch(body: Batch, authorization: Annotated[str, Header()]) -> dict[str, Any]:
        if not authorization.startswith("Bearer "):
            raise HTTPException(401)
        return await written([_event(call) for call in body.batch])

    @app.post("/v1/track")
    async def take_call(body: Call, authorization: Annotated[str, Header()]) -> dict[str, Any]:
        if not authorization.startswith("Bearer "):
            raise HTTPException(401)
        return await written([_event(body)])

    async def written(batch: list[CloudEvent]) -> dict[str, Any]:
        producer = state["producer"]
        sent = [
            await producer.send("truenorth.usage.v1", event.model_dump_json().encode(), key=event.subject.encode())
            for event in batch
        ]
        await asyncio.gather(*sent)
        return {"success": True, "accepted": len(batch)}

    return app


def _event(call: Call) -> CloudEvent:
    return CloudEvent(
        specversion="1.0",
        id=call.messageId,
        source="plain",
        type="usage.recorded",
        subject=call.context.groupId or call.userId,
        time=call.timestamp,
        data=Usage(feature=call.event, count=1, actor=call.userId),
    )


if __name__ == "__main__":
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    uvicorn.run(make_app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
