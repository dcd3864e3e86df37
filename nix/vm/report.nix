# The report that the tests send.
../../tests/fixtures/uut-wsjf-export.json
