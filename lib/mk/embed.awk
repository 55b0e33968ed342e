# Turns a text file (SQL, an asset) into a C array: awk -v sym=NAME -f embed.awk FILE > FILE.c
# The text stays a file that a database tool can open; the binary carries it.
BEGIN { printf "extern const char %s[];\nconst char %s[] =\n", sym, sym }
{
    gsub(/\\/, "\\\\"); gsub(/"/, "\\\"")
    printf "    \"%s\\n\"\n", $0
}
END { print "    \"\";" }
