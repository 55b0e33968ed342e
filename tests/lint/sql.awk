# SPDX-License-Identifier: Apache-2.0
# Reads SQL files and the SQL in string literals of C files; prints "file:line: …" for each relation that is not qualified
# and each function that is not in the list `known` (a name a line). Strings and comments of SQL are passed over; names of
# WITH clauses, variables of DECLARE, and the catalog's pg_… need no schema.
function check(text, file, line,    n, i, t, low, prev, next_, rel, depth, in_extract, cte, var, m, name) {
    # Comments, literals and dollar tags go, so that only code is left.
    while (match(text, /\/\*[^*]*\*+([^\/*][^*]*\*+)*\//)) text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
    gsub(/--[^\n]*/, " ", text)
    gsub(/\047[^\047]*\047/, "LITERAL", text)
    gsub(/\$[a-z]*\$/, " ", text)
    gsub(/::/, " :: ", text)
    gsub(/[(),;.]/, " & ", text)
    gsub(/`[^`]*`|"[^"]*"/, "QUOTED", text)
    n = split(text, t, /[ \t\n]+/)
    delete cte
    for (i = 1; i <= n; i++) { # names that the text defines itself
        low = tolower(t[i])
        if (tolower(t[i + 1]) == "as" && (t[i + 2] == "(" || tolower(t[i + 2]) == "materialized")) cte[low]
        if (t[i] ~ /^[a-z_]+$/ && t[i + 1] == "(" && tolower(t[i + 2]) == "oid" && t[i + 3] == ")" && tolower(t[i + 4]) == "as") cte[low]
        if (low == "declare") for (; i <= n && tolower(t[i]) != "begin"; i++) cte[tolower(t[i])]
    }
    for (i = 1; i <= n; i++) {
        low = tolower(t[i])
        prev = i > 1 ? tolower(t[i - 1]) : ""
        next_ = t[i + 1]
        if (next_ == "(" && low ~ /^[a-z_][a-z0-9_]*$/) {
            if (low == "extract") in_extract = 1
            if (prev == ".") {
                if (tolower(t[i - 2]) !~ /^(pg_catalog|ficus|information_schema)$/) print file ":" line ": function " t[i - 2] "." t[i]
            } else if (!(low in known) && !(low in cte) && prev !~ /^(into|table|exists|as|references|on|update|key)$/)
                print file ":" line ": function " t[i] " is neither qualified nor in tests/lint/sql.names"
        }
        if (low == "from" && in_extract) { in_extract = 0; continue }
        if (low !~ /^(from|join|into|update|table|using|references)$/ || (low == "from" && prev == "distinct") || prev == "for" ||
            (low == "update" && prev ~ /^(on|do|or|,|key)$/) || (low == "table" && prev == "for") || low == "using") continue
        rel = i + 1
        while (tolower(t[rel]) ~ /^(only|if|not|exists|lateral|ignore|recursive)$/) rel++
        name = tolower(t[rel])
        if (name !~ /^[a-z_]+$/ || name in cte || t[rel + 1] == "." || name ~ /^(pg_[a-z_]+|dual|set|unnest|jsonb_each|select|statement|on|of|end|public)$/) continue
        print file ":" line ": relation " t[rel] " is not qualified"
    }
}
function flush() { if (sql ~ /^ *(select|insert|update|delete|with|alter|create|drop|lock|begin|set|replace|truncate|and|where|from)[ ;]/) check(sql, file, at); sql = "" }
BEGIN { while ((getline line < names) > 0) if (line !~ /^#/ && line != "") { split(line, w, " "); known[w[1]] } }
FNR == 1 { if (file ~ /\.sql$/) check(sql, file, 1); else flush(); file = FILENAME; sql = "" }
FILENAME ~ /\.sql$/ { sql = sql $0 "\n"; next }
{
    rest = $0
    if (rest ~ /^ *(\*|\/\*|\/\/)/) next
    while (match(rest, /"([^"\\]|\\.)*"/)) {
        if (substr(rest, 1, RSTART - 1) !~ /^[ \t]*(PRId64|FX_STR\()?[ \t]*$/) flush()
        if (sql == "") at = FNR
        piece = substr(rest, RSTART + 1, RLENGTH - 2)
        gsub(/\\"/, "\"", piece)
        gsub(/\\n/, "\n", piece)
        sql = sql piece
        rest = substr(rest, RSTART + RLENGTH)
    }
    if (rest !~ /^[ \t]*(PRId64)?[ \t]*$/) flush()
}
END { if (file ~ /\.sql$/) check(sql, file, 1); else flush() }
