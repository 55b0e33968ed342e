/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON object on standard output, for --json (docs/protocols/json-output.md, ADR 0130, 0153).
 *
 *     struct cmd_json j;
 *     cmd_json_begin(&j);
 *     fx_json_w_kv_text(&j.w, "context", name);
 *     cmd_json_print(&j);                       closes the object, prints it, frees it
 */
#ifndef FICUS_JSON_H
#define FICUS_JSON_H

#include "lib/cli/opt.h"
#include "lib/fmt/findings.h"
#include "lib/fmt/json_write.h"

#define CMD_OPT_JSON(type) FX_OPT_FLAG(type, json, "json", 0, "print JSON")

struct cmd_json {
    struct fx_buf out;
    struct fx_json_w w;
};

void cmd_json_begin(struct cmd_json *json);
void cmd_json_print(struct cmd_json *json);
/* -1 stands for "not known" in our structs, and null in JSON. */
void cmd_json_known(struct cmd_json *json, const char *key, int64_t value);
/* Members passed, count and groups: what every check answers. */
void cmd_json_findings(struct cmd_json *json, const struct fx_findings *f);

#endif
