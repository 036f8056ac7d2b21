"""Files: received, taken row by row, resumed, and never silently wrong."""

import gzip
import json
from typing import Any

import httpx
import msgspec
import pytest
from truenorth_ingest.domain.keys import ACCOUNTS_SCOPE, WRITE_SCOPE
from truenorth_ingest.doors import Outside, make_upload_worker
from truenorth_ingest.handlers import uploading
from truenorth_ingest.handlers.learned import LearnedAccounts
from truenorth_ingest.handlers.uploading import UploadWorker

from tests.ingest.doubles import KEY, Edge, make_settings, stored_key, usage

ACCOUNTS = "kind=accounts&format=csv"


class Crash(BaseException):
    """What kill -9 looks like from inside."""


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({WRITE_SCOPE, ACCOUNTS_SCOPE}))
    return edge


async def upload(edge: Edge, content: bytes | str, query: str = ACCOUNTS, **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {KEY}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    body = content.encode() if isinstance(content, str) else content
    return await edge.request("POST", f"/v1/uploads?{query}", content=body, headers=sent)


async def get(edge: Edge, path: str, method: str = "GET") -> Any:
    answer = await edge.request(method, f"/v1/uploads{path}", headers={"authorization": f"Bearer {KEY}"})
    return answer.json()


def worker_of(edge: Edge, name: str = "one", **settings: Any) -> UploadWorker:
    outside = Outside(edge.log, LearnedAccounts(edge.accounts, edge.clock), edge.meter, edge.clock, new_id=lambda: name)
    return make_upload_worker(make_settings(**settings), outside, edge.uploads)


async def done(edge: Edge, content: bytes | str, query: str = ACCOUNTS, **headers: str) -> dict[str, Any]:
    answer = await upload(edge, content, query, **headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/uploads/{answer.json()['id']}"
    assert await worker_of(edge).work()
    told: dict[str, Any] = await get(edge, f"/{answer.json()['id']}")
    told["refusals"] = (await get(edge, f"/{told['id']}/refusals"))["refusals"]
    return told


async def test_rows_become_facts_and_the_bad_ones_are_named_by_line(edge: Edge) -> None:
    told = await done(
        edge,
        "account_id,name,arr_major,modules,trial,external_ids.stripe,links.crm\n"
        'a,"Acme, Inc",12000.50,core|reports,yes,cus_1,https://crm.example/a\n'
        "b,,12.345,,,,\n"
        "\n"
        "c,Cee,,,maybe,,\n"
        ",Nobody,,,,,\n"
        "d,Dee,,,,\n"
        "e,Eve,,,,,\n",
    )
    assert (told["state"], told["rows"], told["accepted"], told["refused"], told["line"]) == ("done", 6, 2, 4, 8)
    assert [(row["row"], row["code"], row["field"]) for row in told["refusals"]] == [
        (3, "data_invalid", "arr_major"),
        (5, "data_invalid", "trial"),
        (6, "subject_missing", "account_id"),
        (7, "row_invalid", ""),
    ]
    first, second = edge.log.values("accounts")
    assert (first["subject"], second["subject"]) == ("a", "e")
    assert first["data"] == {
        "name": "Acme, Inc",
        "arr": 1_200_050,
        "modules": ["core", "reports"],
        "trial": True,
        "external_ids": {"stripe": "cus_1"},
        "links": {"crm": "https://crm.example/a"},
    }
    assert len(edge.log.values("quarantine")) == 4
    assert {record["route"] for record in edge.log.values("quarantine")} == {"uploads"}
    assert edge.log.values("identities")[0]["data"]["lookup"] == "stripe:cus_1"
    assert edge.uploads.chunks == {}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfaccount_id,name\r\na,Acme\r\n",
        b"account_id;name\na;Acme",
        b"account_id\tname\na\tAcme\n",
        b'account_id,name\n"a","Acme"\n',
        b"account_id , name \n a , Acme \n",
    ],
    ids=["bom and crlf", "semicolons", "tabs", "quotes", "spaces"],
)
async def test_files_as_spreadsheets_write_them_are_read(edge: Edge, content: bytes) -> None:
    assert (await done(edge, content))["accepted"] == 1
    (event,) = edge.log.values("accounts")
    assert (event["subject"], event["data"]) == ("a", {"name": "Acme"})


async def test_a_quoted_cell_may_go_over_lines(edge: Edge) -> None:
    told = await done(edge, 'account_id,name,industry\na,"Acme\r\nand ""Sons""",x\nb,Bee,y\n')
    assert told["accepted"] == 2
    assert edge.log.values("accounts")[0]["data"]["name"] == 'Acme\nand "Sons"'


async def test_a_broken_row_costs_no_other(edge: Edge) -> None:
    rows = [b"a,Acme", b'b,"never closed', b"c,Cee", b"d,\xff\xfe", b'e,"x"y', b"f," + b"x" * 70_000, b"g,Gee"]
    told = await done(edge, b"account_id,name\n" + b"\n".join(rows) + b"\n")
    assert [(row["row"], row["code"]) for row in told["refusals"]] == [
        (3, "row_invalid"),
        (5, "encoding_invalid"),
        (6, "row_invalid"),
        (7, "event_too_large"),
    ]
    assert [event["subject"] for event in edge.log.values("accounts")] == ["a", "c", "g"]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("account_id,ownr_id\na,b\n", "column_unknown", "did you mean owner_id"),
        ("name\nAcme\n", "column_missing", "none is account_id"),
        ("account_id,name,name\na,b,c\n", "column_twice", "keep one"),
        ("account_id,external_ids.\na,b\n", "column_unknown", "external_ids."),
        (b"\xff\xfea\x00c\x00\n", "file_invalid", "save it as UTF-8"),
        (b"account_id,\xff\n", "encoding_invalid", "save the file as UTF-8"),
        ('account_id,"name\na,b\n', "row_invalid", "close it"),
    ],
)
async def test_a_file_whose_columns_are_wrong_is_refused_at_once(
    edge: Edge, content: bytes | str, code: str, said: str
) -> None:
    answer = await upload(edge, content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert said in answer.json()["message"]
    assert edge.uploads.known == {}
    assert edge.uploads.chunks == {}


@pytest.mark.parametrize("amount", ["1e999999", "-1e999999", "1e-999999", "sNaN", "Infinity", "9" * 60_000])
async def test_no_amount_is_beyond_refusal(edge: Edge, amount: str) -> None:
    told = await done(edge, f"account_id,arr_major\na,{amount}\nb,1\n")
    assert (told["state"], told["accepted"], [row["field"] for row in told["refusals"]]) == ("done", 1, ["arr_major"])


async def test_what_is_kept_of_a_refused_row_is_text_that_a_database_holds(edge: Edge) -> None:
    told = await done(edge, '{"account_id": "a", "seg\\u0000ment": 1}\n', "kind=accounts&format=ndjson")
    assert [(row["code"], row["field"]) for row in told["refusals"]] == [("data_invalid", "")]


async def test_a_file_that_nobody_foresaw_fails_alone(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "_judge", lambda *_: 1 / 0)
    told = await done(edge, "account_id,name\na,A\n")
    assert (told["state"], told["problem"]) == ("failed", "this is our mistake; it was logged")
    assert not edge.uploads.chunks


async def test_events_come_as_lines_of_json_or_as_columns(edge: Edge) -> None:
    lines = [json.dumps(usage(id="own")), "", json.dumps(usage(id=None)), "{", json.dumps(usage(subject=None))]
    told = await done(edge, "\n".join(lines), "kind=events&format=ndjson")
    assert (told["accepted"], [row["row"] for row in told["refusals"]]) == (2, [4, 5])
    csv = (
        "type,subject,time,data.feature,data.count,data.ticket_id\n"
        "usage.recorded,acct-1,2025-01-01T00:00:00Z,export,3,\n"
        "ticket.opened,acct-1,,,,t1\n"
        "ticket.opened,acct-1,,export,,t1\n"
        "usage.recordet,acct-1,,export,,\n"
        "usage.recorded,acct-1,,export,3.5,\n"
    )
    told = await done(edge, csv, "kind=events&format=csv")
    assert told["accepted"] == 2
    assert [(row["row"], row["code"], row["field"]) for row in told["refusals"]] == [
        (4, "data_invalid", "data.feature"),
        (5, "type_not_accepted", "type"),
        (6, "data_invalid", "data.count"),
    ]
    assert edge.log.values("usage")[2]["data"] == {"feature": "export", "count": 3}
    assert {event["id"] for event in edge.log.values("usage")} >= {"own"}


async def test_accounts_may_come_as_lines_of_json(edge: Edge) -> None:
    lines = '{"account_id": 7, "name": "Acme", "id": "crm-1"}\n{"account_id": "b", "nme": "Bee"}\n'
    told = await done(edge, lines, "kind=accounts&format=ndjson")
    assert told["accepted"] == 1
    assert "did you mean name" in told["refusals"][0]["message"]
    assert [(event["subject"], event["id"]) for event in edge.log.values("accounts")] == [("7", "crm-1")]


async def test_the_past_is_marked_and_each_account_is_told_complete_at_the_end(edge: Edge) -> None:
    lines = [
        json.dumps(usage(id="1", subject="a", time="2025-03-04T00:00:00Z")),
        json.dumps(usage(id="2", subject="b", time="2025-03-05T00:00:00Z")),
        json.dumps(usage(id="3", subject="a", time="2025-03-01T23:00:00Z")),
    ]
    await done(edge, "\n".join(lines), "kind=events&format=ndjson&backfill=true")
    assert [event["backfill"] for event in edge.log.values("usage")] == [True] * 3
    loaded = {event["subject"]: event["data"]["from_on"] for event in edge.log.values("backfills")}
    assert loaded == {"a": "2025-03-01", "b": "2025-03-05"}
    assert all(record.topic == "truenorth.usage.v1" for record in edge.log.records[:3])


async def test_a_crash_costs_no_row_and_repeats_have_their_ids(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "BATCH_ROWS", 10)
    rows = [json.dumps(usage(id=None, subject=f"s{n}", time=f"2025-01-{n % 28 + 1:02}")) for n in range(95)]
    rows[50] = "broken"
    answer = await upload(edge, "\n".join(rows), "kind=events&format=ndjson&backfill=true")
    upload_id = answer.json()["id"]
    note = edge.uploads.advance

    async def crash(*of: Any, **what: Any) -> bool:
        if what["position"] >= 60:
            raise Crash  # after the rows were acknowledged, before that was noted
        return await note(*of, **what)

    monkeypatch.setattr(edge.uploads, "advance", crash)
    with pytest.raises(Crash):
        await worker_of(edge).work()
    monkeypatch.setattr(edge.uploads, "advance", note)
    assert not await worker_of(edge, "two").work(), "the lease still holds"
    edge.clock.advance(seconds=uploading.LEASE_MS / 1000 + 1)
    assert await worker_of(edge, "two").work()
    told = await get(edge, f"/{upload_id}")
    assert (told["state"], told["accepted"], told["refused"]) == ("done", 94, 1)
    ids = [event["id"] for event in edge.log.values("usage")]
    assert (len(ids), len(set(ids))) == (103, 94)
    assert len(edge.log.values("backfills")) == 94, "what was read before the crash is told complete, too"


async def test_an_account_over_its_ceiling_makes_the_file_wait_and_nothing_is_refused(edge: Edge) -> None:
    lines = "\n".join(json.dumps(usage(id=str(n))) for n in range(1200))
    await upload(edge, lines, "kind=events&format=ndjson")
    before_ms = edge.clock.now_ms()
    await worker_of(edge, account_events_per_second_max=100).work()
    assert len(edge.log.values("usage")) == 1200
    assert edge.clock.now_ms() - before_ms >= 8_000
    assert (await get(edge, ""))["uploads"][0]["state"] == "done"


async def test_a_broker_that_is_away_is_waited_for(edge: Edge) -> None:
    await upload(edge, "account_id,name\na,Acme\n")
    edge.log.broken = True
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        edge.log.broken = len(slept) < 5

    edge.clock.sleep = sleep  # type: ignore[method-assign]
    await worker_of(edge).work()
    assert slept == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert (await get(edge, ""))["uploads"][0]["accepted"] == 1


async def test_an_upload_can_be_called_off_once(edge: Edge) -> None:
    upload_id = (await upload(edge, "account_id,name\na,Acme\n")).json()["id"]
    assert (await get(edge, f"/{upload_id}", "DELETE"))["state"] == "cancelled"
    assert (await get(edge, f"/{upload_id}", "DELETE"))["code"] == "upload_over"
    assert not await worker_of(edge).work()
    assert (edge.log.records, edge.uploads.chunks) == ([], {})
    assert (await get(edge, "/none"))["code"] == "not_found"


async def test_a_cancelled_upload_is_let_go_of_in_the_middle(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "BATCH_ROWS", 1)
    upload_id = (await upload(edge, "account_id,name\na,A\nb,B\nc,C\n")).json()["id"]
    append = edge.log.append

    async def then_cancel(records: Any) -> None:
        await append(records)
        await get(edge, f"/{upload_id}", "DELETE")

    monkeypatch.setattr(edge.log, "append", then_cancel)
    assert await worker_of(edge).work()
    assert len(edge.log.values("accounts")) == 1
    assert (await get(edge, f"/{upload_id}"))["state"] == "cancelled"


async def test_a_repeated_upload_is_the_same_one(edge: Edge) -> None:
    first = await upload(edge, "account_id,name\na,Acme\n", idempotency_key="k")
    again = await upload(edge, "account_id,name\na,Acme\n", idempotency_key="k")
    assert first.json()["id"] == again.json()["id"]
    assert len(edge.uploads.known) == 1


async def test_a_repeat_waits_for_the_attempt_that_is_still_arriving(edge: Edge) -> None:
    upload_id = (await upload(edge, "account_id,name\na,Acme\n", idempotency_key="k")).json()["id"]
    edge.uploads.known[upload_id] = msgspec.structs.replace(edge.uploads.known[upload_id], state="receiving")
    assert (await upload(edge, "account_id,name\na,Acme\n", idempotency_key="k")).status_code == 503
    edge.clock.advance(seconds=121)
    assert (await upload(edge, "account_id,name\na,Acme\n", idempotency_key="k")).status_code == 202


async def test_files_have_limits_and_may_be_gzipped(edge: Edge) -> None:
    content = b"account_id,name\n" + b"a,Acme\n" * 100
    assert (await done(edge, gzip.compress(content), content_encoding="gzip"))["accepted"] == 100
    for body, encoding, code in [
        (b"x" * 1_000_001, "", "body_too_large"),
        (gzip.compress(b"x" * 50_000_000), "gzip", "body_too_large"),
        (b"", "", "body_invalid"),
        (content, "gzip", "body_invalid"),
        (gzip.compress(content)[:-9], "gzip", "body_invalid"),
        (content, "br", "encoding_unsupported"),
    ]:
        answer = await upload(edge, body, "kind=accounts&format=ndjson", content_encoding=encoding)
        assert answer.json()["code"] == code
    assert len(edge.uploads.known) == 1


async def test_gzip_files_that_were_put_one_behind_the_other_are_one_file(edge: Edge) -> None:
    rows = [b"account_id,name\na,Acme\n", b"b,Bee\n", b"", b"c,Cee\n"]
    told = await done(edge, b"".join(gzip.compress(row) for row in rows) + bytes(20), content_encoding="gzip")
    assert told["accepted"] == 3
    for broken in (b"trailing", gzip.compress(b"d,Dee\n")[:-9]):
        answer = await upload(edge, gzip.compress(rows[0]) + broken, content_encoding="gzip")
        assert (answer.status_code, answer.json()["code"]) == (400, "body_invalid")


async def test_who_may_upload_what_is_asked_of_the_key(edge: Edge) -> None:
    edge.keys.keys["key1"] = stored_key(scopes=frozenset({ACCOUNTS_SCOPE}))
    assert (await upload(edge, "{}", "kind=events&format=ndjson")).json()["code"] == "scope_missing"
    assert (await upload(edge, "{}", "kind=accounts&format=ndjson")).status_code == 202
    assert (await upload(edge, "{}", "kind=things&format=ndjson")).json()["field"] == "kind"
    assert (await edge.request("GET", "/v1/uploads")).status_code == 401


async def test_refusals_are_paged(edge: Edge) -> None:
    told = await done(edge, "account_id,trial\n" + "a,maybe\n" * 25)
    page = await get(edge, f"/{told['id']}/refusals?limit=10")
    assert ([row["row"] for row in page["refusals"]], page["next"]) == ([*range(2, 12)], 11)
    page = await get(edge, f"/{told['id']}/refusals?limit=10&after=21")
    assert ([row["row"] for row in page["refusals"]], page["next"]) == ([*range(22, 27)], None)
