"""PostgreSQL for services that need transactions and queries; the one door to sqlalchemy and asyncpg.

``engine`` connects and runs units of work, ``offsets`` keeps a consumer's place in the same transaction as
its effects, ``outbox`` carries rows to Kafka, ``leases`` claims due rows, ``dead_letters`` parks records,
``erasures`` remembers what was forgotten, ``migrations`` brings a service's schema up to date.
"""
