/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: two records for each command that changes something, when it begins and when it
 * ends, in <state>/audit (lib/io/recordlog, chained with a key: lib/crypt/chain.h). A log that
 * cannot be written is said, and stops nothing: a rollback must be possible on a full disk.
 */
#ifndef FICUS_AUDIT_H
#define FICUS_AUDIT_H

#include "cmd/ficus/cmd.h"

/* In main, before the command; the arguments after the program's name. */
void cmd_audit_line(int argc, char *const *argv);
/* When the project is known. Nothing happens for a command that changes nothing. */
void cmd_audit_begin(const struct cmd_call *call, const char *state_dir);
/* `err` is NULL when the command succeeded. */
void cmd_audit_end(int exit_status, const struct fx_err *err);

#endif
