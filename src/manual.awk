# manual.awk - the manual page from its frame and the output of `lossd --help`.
#
#     lossd --help | awk -f src/manual.awk - src/lossd.8.in
#
# So a new setting or command stands in the page by itself.  Of the help is read:
#
#     usage: lossd evaluate [FILE]    what it does,
#                                     over several lines
#       --json-bytes-max              what it means
#                                     default 33554432; 1 to 68719476736

# A line of running text: no first character that roff takes for a request, no backslash.
function plain(text)
{
    gsub(/\\/, "\\e", text)
    return (text ~ /^[.']/ ? "\\\\\\&" : "") text
}

function sentence(text) { return plain(toupper(substr(text, 1, 1)) substr(text, 2)) }

# "evaluate [FILE]" as macros on one line.
function macros(usage,    words, count, i, text)
{
    count = split(usage, words, " ")
    for (i = 1; i <= count; i++) {
        if (words[i] ~ /^\[/)
            text = text " Oo Ar " substr(words[i], 2, length(words[i]) - 2) " Oc"
        else if (words[i] ~ /^--/)
            text = text " Fl " substr(words[i], 2)
        else
            text = text (words[i] == "|" ? " | " : " Cm " words[i])
    }
    return text
}

FNR == 1 { file++ }

# ---- the help ----
file == 1 && /^(usage:|      ) lossd / {
    sub(/^.* lossd /, "")
    at = match($0, /  +/)
    usages[++usage_count] = at ? substr($0, 1, at - 1) : $0
    says[usage_count] = at ? substr($0, at + RLENGTH) : ""
    next
}
file == 1 && usage_count && !setting_count && /^ +[^ ]/ && !/^ +--/ {
    sub(/^ +/, "")
    says[usage_count] = says[usage_count] " " $0
    next
}
file == 1 && /^  --/ {
    settings[++setting_count] = $1
    sub(/^ +[^ ]+ +/, "")
    means[setting_count] = $0
    next
}
file == 1 && /^ +default/ {
    sub(/^ +default ?/, "")
    at = index($0, "; ")
    initial[setting_count] = at ? substr($0, 1, at - 1) : $0
    range[setting_count] = at ? substr($0, at + 2) : ""
    next
}
file == 1 { next }

# ---- the frame ----
$0 == "@synopsis@" {
    for (i = 1; i <= usage_count; i++)
        print ".Nm lossd" macros(usages[i]) # groff begins no new line without the name
    next
}
$0 == "@commands@" {
    print ".Bl -tag -width Ds"
    for (i = 1; i <= usage_count; i++) {
        if (says[i] != "")
            print ".It Nm" macros(usages[i]) "\n" sentence(says[i]) "."
    }
    print ".El"
    next
}
$0 == "@settings@" {
    for (i = 1; i <= setting_count; i++) {
        kind = range[i] == "" ? "text" : range[i] ~ /^[0-9]+ to [0-9]+$/ ? "number" : "word"
        print ".It Fl " substr(settings[i], 2) " Ar " kind "\n" sentence(means[i]) "."
        print "By default " (initial[i] == "" ? "empty" : initial[i]) \
              (range[i] == "" ? "" : "; " range[i]) "."
    }
    next
}
{ print }

END {
    if (usage_count == 0 || setting_count == 0) {
        print "manual.awk: the help has no usage or no settings" > "/dev/stderr"
        exit 1
    }
}
