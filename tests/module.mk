# Tests: each folder below adds its own targets and appends to CHECKS what `make check` runs.
CHECKS :=
-include tests/unit/module.mk tests/fuzz/module.mk tests/lint/module.mk tests/integration/module.mk
-include tests/demo/module.mk tests/torture/module.mk
