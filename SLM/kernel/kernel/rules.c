#include "rules.h"

extern const u8 facts_start[], facts_end[];

static bytes table(void) { return (bytes){facts_start, (u64)(facts_end - facts_start)}; }

// Takes the text before the first `end` off the front of `rest`, and `end` with it.
static bytes take_until(bytes *rest, u8 end) {
    bytes b = {rest->at, 0};
    while (b.size < rest->size && b.at[b.size] != end) b.size++;
    u64 taken = b.size < rest->size ? b.size + 1 : b.size;
    rest->at += taken, rest->size -= taken;
    return b;
}

bytes wording(u32 which) {
    bytes rest = table();
    for (u32 i = 0; i < which; i++) take_until(&rest, '\n');
    return take_until(&rest, '\n');
}

static bytes all_facts(void) {
    bytes rest = table();
    for (u32 i = 0; i < WORDINGS; i++) take_until(&rest, '\n');
    return rest;
}

static bool next_fact(bytes *rest, fact *f) {
    if (!rest->size) return false;
    bytes row = take_until(rest, '\n');
    f->id = take_until(&row, '\t');
    f->vendor = take_until(&row, '\t');
    f->name = take_until(&row, '\t');
    f->short_name = take_until(&row, '\t');
    f->drivers = row;
    return true;
}

u32 fact_count(void) {
    u32 n = 0;
    fact f;
    for (bytes rest = all_facts(); next_fact(&rest, &f);) n++;
    return n;
}

static u8 lower(u8 c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

static bool equal_any_case(bytes a, bytes b) {
    u64 at;
    return a.size == b.size && bytes_find(a, b, &at);
}

static int compare_any_case(bytes a, bytes b) {
    for (u64 i = 0; i < a.size && i < b.size; i++) {
        int x = lower(a.at[i]), y = lower(b.at[i]);
        if (x != y) return x - y;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

// Rows are in order of their ids, so each look halves what is left.
bool find_fact(bytes id, fact *f) {
    bytes all = all_facts();
    for (u64 low = 0, high = all.size; low < high;) {
        u64 start = low + (high - low) / 2;
        while (start > low && all.at[start - 1] != '\n') start--;
        bytes rest = {all.at + start, all.size - start};
        next_fact(&rest, f);
        int order = compare_any_case(id, f->id);
        if (!order) return true;
        if (order < 0) high = start;
        else low = (u64)(rest.at - all.at);
    }
    return false;
}

// ---- words of an answer ----

static bool is_gap(u8 c) { return c <= ' ' || c == ',' || c == '|' || c == '/'; }

static bytes next_word(bytes *rest) {
    while (rest->size && is_gap(*rest->at)) rest->at++, rest->size--;
    bytes w = {rest->at, 0};
    while (w.size < rest->size && !is_gap(w.at[w.size])) w.size++;
    rest->at += w.size, rest->size -= w.size;
    return w;
}

static bytes trimmed(bytes b) {
    while (b.size && *b.at <= ' ') b.at++, b.size--;
    while (b.size && (b.at[b.size - 1] <= ' ' || b.at[b.size - 1] == '.')) b.size--;
    return b;
}

static u8 plain(u8 c) { return c == '-' ? '_' : lower(c); }

static bool same_driver(bytes a, bytes b) {
    if (a.size != b.size) return false;
    for (u64 i = 0; i < a.size; i++)
        if (plain(a.at[i]) != plain(b.at[i])) return false;
    return true;
}

static bool is_joiner(bytes w) { return equal_any_case(w, bytes_of("or")) || equal_any_case(w, bytes_of("and")); }

static bool in_set(bytes set, bytes driver) {
    for (bytes w; (w = next_word(&set)).size;)
        if (!is_joiner(w) && same_driver(w, driver)) return true;
    return false;
}

bool agrees_driver(const fact *f, bytes answer) {
    u32 named = 0;
    answer = trimmed(answer);
    for (bytes w; (w = next_word(&answer)).size;) {
        if (is_joiner(w)) continue;
        if (!in_set(f->drivers, w)) return false;
        named++;
    }
    return named > 0;
}

bool agrees_name(const fact *f, bytes answer) {
    answer = trimmed(answer);
    return equal_any_case(answer, f->name) || equal_any_case(answer, f->short_name);
}

// ---- rules ----

static bool is_hex(u8 c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool find_id(bytes text, bytes *id) {
    for (u64 i = 0; i + 9 <= text.size; i++) {
        u32 n = 0;
        while (n < 9 && (n == 4 ? text.at[i + n] == ':' : is_hex(text.at[i + n]))) n++;
        if (n == 9) return *id = (bytes){text.at + i, 9}, true;
    }
    return false;
}

#define TEXT(b) (int)(b).size, (const char *)(b).at

static u32 tell(const fact *f, char *out, u32 cap) {
    return slm_format(out, cap, "%.*s is %.*s by %.*s; driver: %.*s.", TEXT(f->id), TEXT(f->name), TEXT(f->vendor), TEXT(f->drivers));
}

static bool ends_word(bytes text, u64 at) { return at >= text.size || is_gap(text.at[at]) || text.at[at] == '?' || text.at[at] == '.'; }

// The longest compatible string that stands in the question as a word of its own.
static bool find_compatible(bytes question, fact *best) {
    u64 at, comma;
    fact f;
    *best = (fact){0};
    for (bytes rest = all_facts(); next_fact(&rest, &f);)
        if (f.id.size > best->id.size && bytes_find(f.id, bytes_of(","), &comma) && bytes_find(question, f.id, &at) &&
            (!at || is_gap(question.at[at - 1])) && ends_word(question, at + f.id.size)) *best = f;
    return best->id.size > 0;
}

// PCI only: the names of compatible strings are everyday words.
static bool find_by_name(bytes question, fact *f) {
    u64 at;
    for (bytes rest = all_facts(); next_fact(&rest, f);)
        if (f->short_name.size > 3 && bytes_find(question, f->short_name, &at) && bytes_find(f->id, bytes_of(":"), &at)) return true;
    return false;
}

static u32 tell_driver(bytes question, char *out, u32 cap) {
    for (bytes word; (word = trimmed(next_word(&question))).size;) {
        while (word.size && word.at[word.size - 1] == '?') word.size--;
        if (word.size < 2 || is_joiner(word) || equal_any_case(word, bytes_of("none"))) continue;
        u32 n = 0;
        fact f, first = {0};
        for (bytes rest = all_facts(); next_fact(&rest, &f);)
            if (in_set(f.drivers, word) && !n++) first = f;
        if (n) return slm_format(out, cap, "%.*s drives %u devices that I know, one is %.*s, %.*s.", TEXT(word), n, TEXT(first.id), TEXT(first.name));
    }
    return 0;
}

u32 rule_answer(bytes question, char *out, u32 cap) {
    bytes id;
    fact f;
    if (find_id(question, &id)) {
        if (find_fact(id, &f)) return tell(&f, out, cap);
        return slm_format(out, cap, "%.*s is not among the %u devices that I know.", TEXT(id), fact_count());
    }
    if (find_compatible(question, &f) || find_by_name(question, &f)) return tell(&f, out, cap);
    u32 n = tell_driver(question, out, cap);
    return n ? n : slm_format(out, cap, "I have rules, no model: ask with an id such as 8086:100e, a device's name or a driver's.");
}
