/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind `ficus explain` and docs/reference/errors.md. */
#ifndef CMD_EXPLAIN_H
#define CMD_EXPLAIN_H

struct cmd_explanation {
    const char *name;   /* "STUCK", "40001", "1644" */
    const char *origin; /* who says it: "Ficus", "PostgreSQL", "MariaDB" */
    const char *what, *lost, *next;
};

/* All rows in the order of explain.def, ended by a row without a name. */
const struct cmd_explanation *cmd_explanations(void);

#endif
