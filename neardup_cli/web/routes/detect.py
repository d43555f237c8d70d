"""Is this picture a copy of one that we have?"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from starlette.concurrency import run_in_threadpool

from neardup_cli.errors import BadInput, ImageTooLarge, UnreadableImage
from neardup_cli.pipeline.detector import as_detection
from neardup_cli.pipeline.explain import explain as explain_pair
from neardup_cli.pipeline.probe import Source
from neardup_cli.pipeline.query import Question
from neardup_cli.records.answers import ExplainedPair, QueryMatch
from neardup_cli.reports.json_report import explain_document, query_match_document
from neardup_cli.web.documents import Candidate, Comparison, Detection
from neardup_cli.web.problems import responses
from neardup_cli.web.service import Served, Service
from neardup_cli.web.words import match_reason

UPLOAD = "upload"
"""What an upload is called in a document: its own name is nobody's business here."""

router = APIRouter(tags=["detect"])


@router.post(
    "/api/detect",
    responses=responses(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def detect(
    served: Served,
    file: UploadFile,
    top_k: Annotated[int, Form(ge=1, le=100, description="At most so many files.")] = 5,
    threshold: Annotated[
        float | None, Form(ge=-1, le=1, description="SSCD similarity from which a file matches.")
    ] = None,
    explain: Annotated[bool, Form(description="Say what happened to the best match.")] = False,
) -> Detection:
    """Look an uploaded picture up. It is not kept."""
    wanted = (await served.in_time(run_in_threadpool(served.lookup.searcher))).wanted
    if threshold is not None and wanted.side is None:
        raise BadInput("a threshold needs embeddings, and this catalog holds hashes alone")
    async with served.uploads.underway() as upload:
        source = await served.in_time(upload.prepared(file.file, wanted))
        question = Question(source, top_k, threshold)
        result = await served.in_time(asyncio.wrap_future(served.lookup.ask(question)))
        if result.error is not None:
            raise (ImageTooLarge if "too many pixels" in result.error else UnreadableImage)(result.error)
        found = as_detection(result)
        explanation = None
        if explain and found.match is not None:
            best = found.match
            explanation = await served.in_thread(lambda: _explain(served, source, best, threshold))
    return Detection(
        is_duplicate=found.is_duplicate,
        cannot_tell=found.cannot_tell,
        stage=found.stage,
        match=None if found.match is None else _candidate(found.match),
        sieve_matches=[_candidate(match) for match in found.sieve_matches],
        verifier_matches=[_candidate(match) for match in found.verifier_matches],
        neighbours=[_candidate(match) for match in found.neighbours],
        explanation=explanation,
    )


def comparison(pair: ExplainedPair, **others: str) -> Comparison:
    """Return a pair as a document."""
    document = explain_document(pair, {})
    return Comparison.model_validate({**document, **others})


def _candidate(match: QueryMatch) -> Candidate:
    return Candidate.model_validate({**query_match_document(match), "reason": match_reason(match)})


def _explain(served: Service, upload: Source, best: QueryMatch, threshold: float | None) -> Comparison:
    rules = served.lookup.searcher().rules.from_threshold(threshold)
    pair = explain_pair(upload, best.path, rules, max_pixels=served.options.query.max_pixels)
    return comparison(pair, a=UPLOAD)
