"""health: folds every account's events and keeps its score, band, findings and milestones.

Topics in: usage, tickets, billing, surveys, accounts, engagements, actions, erasures (one partition number of
all of them is one unit of ownership), definitions, backfills. Topics out: health, health-changes,
health-daily, milestones, health-changelog (its own state), dead-letters.
"""
