"""The SQLite catalog: typed tables, every query, migrations. The only room that speaks SQL."""
