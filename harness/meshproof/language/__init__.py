"""The languages in which meshproof speaks of itself to people: English, and those that a catalogue has.

What programs read (JSON, JUnit, SARIF, events, exit codes), reasons and notices are English in every language: they
are quoted, searched for and compared.
"""
