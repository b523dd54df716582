"""How the picker's flags and configuration turn into a poller, and its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.scrape.client import ClientTls, open_metrics_client
from pointsman.scrape.engines import EngineMapping, Engines, metric_specs
from pointsman.scrape.metrics import ScrapeMetrics
from pointsman.scrape.poller import Poller
from pointsman.scrape.settings import FIXED_INTERVAL_S_MIN, ScrapeSchedule, ScrapeSettings

if TYPE_CHECKING:
    import random

    from prometheus_client import CollectorRegistry

    from pointsman.apps.picker_settings import PickerSettings
    from pointsman.config.declared.sources import EngineConfig
    from pointsman.config.plan import ScrapePlan
    from pointsman.datalayer.pool import Pool
    from pointsman.lib.clock import Clock


async def run_poller(
    settings: PickerSettings,
    plan: ScrapePlan,
    *,
    pool: Pool,
    registry: CollectorRegistry,
    clock: Clock,
    rng: random.Random,
) -> None:
    """Scrape the pool's endpoints until cancelled."""
    async with open_metrics_client(client_tls(settings, plan)) as client:
        poller = Poller(
            pool,
            client,
            engines=engines_of(plan),
            settings=scrape_settings(settings, plan),
            metrics=ScrapeMetrics(registry),
            clock=clock,
            rng=rng,
        )
        await poller.run()


def scrape_settings(settings: PickerSettings, plan: ScrapePlan) -> ScrapeSettings:
    """The configuration's own words win over flags, as upstream's do."""
    source, written = plan.source, plan.source.model_fields_set
    interval_s = settings.refresh_metrics_interval_s
    if source.interval_s is not None:
        interval_s = max(source.interval_s, FIXED_INTERVAL_S_MIN)
    return ScrapeSettings(
        schedule=ScrapeSchedule(fixed_interval_s=interval_s),
        scheme=source.scheme if "scheme" in written else settings.model_server_metrics_scheme,
        path=source.path if "path" in written else settings.model_server_metrics_path,
        port=source.port or settings.model_server_metrics_port or None,
        staleness_s=settings.metrics_staleness_threshold_s,
    )


def client_tls(settings: PickerSettings, plan: ScrapePlan) -> ClientTls:
    """Whom we believe and how we show ourselves when metrics are served over https."""
    source = plan.source
    skips = settings.model_server_metrics_skip_verify and source.insecure_skip_verify
    return ClientTls(
        insecure_skip_verify=skips,
        ca_cert_path=source.ca_cert_path,
        client_cert_path=source.client_cert_path,
        client_key_path=source.client_key_path,
    )


def engines_of(plan: ScrapePlan) -> Engines:
    """Built-in engines and those that the configuration describes."""
    extractor = plan.extractor
    return Engines(
        [_mapping(config) for config in extractor.engine_configs],
        default=extractor.default_engine,
        label_keys=(extractor.engine_label_key, "inference.networking.k8s.io/engine-type"),
    )


def _mapping(config: EngineConfig) -> EngineMapping:
    return EngineMapping(
        name=config.name,
        waiting=metric_specs(config.queued_requests_spec),
        running=metric_specs(config.running_requests_spec),
        kv_usage=metric_specs(config.kv_usage_spec),
        lora=metric_specs(config.lora_spec),
        cache_info=metric_specs(config.cache_info_spec),
        block_tokens=metric_specs(config.cache_block_size_spec),
        blocks=metric_specs(config.cache_num_blocks_spec),
        block_tokens_label=config.cache_block_size_label_name,
        blocks_label=config.cache_num_blocks_label_name,
    )
