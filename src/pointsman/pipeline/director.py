"""The one function of a request: it names the steps in order and contains no detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.domain.protocol import MODEL_REWRITE, REQUEST_ID
from pointsman.domain.requests import ApiKind, InferenceRequest, Prompt
from pointsman.pipeline.candidates import locate
from pointsman.pipeline.decision import Decision
from pointsman.pipeline.formats.model import replace_model
from pointsman.pipeline.formats.registry import read_request
from pointsman.pipeline.watch import RequestWatch

if TYPE_CHECKING:
    from pointsman.domain.requests import RequestHead
    from pointsman.pipeline.formats.parsed import ParsedRequest
    from pointsman.pipeline.formats.registry import FormatTable
    from pointsman.pipeline.watch import Following
    from pointsman.scheduling.scheduler import Pick, Scheduler


class PoolDirector:
    """Decides for one pool.

    Args:
        formats: how request bodies are read.
        scheduler: the policy.
        following: the pool, its clock and where its requests are counted.
        honours_subset: False ignores the gateway's subset hint.
    """

    def __init__(
        self,
        *,
        formats: FormatTable,
        scheduler: Scheduler,
        following: Following,
        honours_subset: bool = True,
    ) -> None:
        self._formats = formats
        self._scheduler = scheduler
        self._following = following
        self._honours_subset = honours_subset

    def decide(self, head: RequestHead, body: bytes) -> Decision:
        """Read the request and choose an endpoint for it.

        Raises:
            RequestError: the request must be answered with an error instead.
        """
        parsed = read_request(head.path, body, formats=self._formats)
        request = _request(head, parsed, body_bytes=len(body))
        decision_body = None
        if request.target_model != parsed.model:
            decision_body = replace_model(body, request.target_model)
        return self._dispatch(head, request, body=decision_body)

    def decide_unread(self, head: RequestHead, body: bytes = b"") -> Decision:
        """Choose an endpoint for a request whose body is withheld, truncated or still to come.

        Raises:
            RequestError: the request must be answered with an error instead.
        """
        request = InferenceRequest(
            id=head.headers.get(REQUEST_ID, ""),
            kind=ApiKind.PASSTHROUGH,
            model="",
            target_model="",
            prompt=Prompt((body,), len(body) // 4) if body else Prompt(),
            body_bytes=len(body),
            headers=head.headers,
        )
        return self._dispatch(head, request, body=None)

    def _dispatch(
        self, head: RequestHead, request: InferenceRequest, *, body: bytes | None
    ) -> Decision:
        following = self._following
        now_s = following.clock.monotonic_s()
        following.pool.ledger.sweep(now_s)
        subset = head.subset if self._honours_subset else None
        candidates = locate(following.pool.table, subset, now_s=now_s)
        pick = self._scheduler.schedule(request, candidates)
        self._scheduler.picked(request, pick.slot)
        destinations = _destinations(pick)
        watch = self._open(request, pick, destination=destinations[0], now_s=now_s)
        return Decision(destination=",".join(destinations), watch=watch, body=body)

    def _open(
        self, request: InferenceRequest, pick: Pick, *, destination: str, now_s: float
    ) -> RequestWatch:
        following = self._following
        matched = float(pick.candidates.feature(MATCHED_TOKENS)[pick.positions[0]])
        output = following.pool.learner.expected_output_tokens(request.output_tokens_max)
        lease = following.pool.ledger.open(
            pick.slot,
            uncached_tokens=max(request.prompt.tokens - matched, 0.0),
            context_tokens=request.prompt.tokens + output,
            now_s=now_s,
        )
        following.metrics.decided(request.kind, matched_tokens=matched)
        return RequestWatch(request, lease, destination=destination, following=following)


def _request(head: RequestHead, parsed: ParsedRequest, *, body_bytes: int) -> InferenceRequest:
    target = parsed.model
    if parsed.model:
        target = head.first(MODEL_REWRITE) or parsed.model
    return InferenceRequest(
        id=head.headers.get(REQUEST_ID, ""),
        kind=parsed.kind,
        model=parsed.model,
        target_model=target,
        prompt=parsed.prompt,
        output_tokens_max=parsed.output_tokens_max,
        is_streaming=parsed.is_streaming,
        body_bytes=body_bytes,
        cache_salt=parsed.cache_salt,
        headers=head.headers,
    )


def _destinations(pick: Pick) -> list[str]:
    candidates = pick.candidates
    return [candidates.endpoint(position).authority for position in pick.positions]
