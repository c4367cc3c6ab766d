// Boot: check the model, lay out the pool, look at the bus, ask the model about what is there. Then a shell.
#include "../runtime/slm.h"
#include "arch.h"
#include "console.h"
#include "devices.h"
#include "rules.h"

// Places named by kernel.ld, which also states slm_model_size. The difference is taken here all the same: a compiler
// may assume that nothing it is told of lies at address 0, and so that no such size is 0.
extern u8 kernel_start[], kernel_end[], slm_model_start[], slm_model_end[], pool_start[];

#ifndef SLM_POOL_BYTES // what the host's slm-run computed from the very file that is embedded
#define SLM_POOL_BYTES 0
#define SLM_MODEL_HASH 0
#endif

#ifndef SLM_ASK_US
#define SLM_ASK_US 8000000 // microseconds after its entry by when the kernel has its prompt, a slow model or not
#endif

static const machine *here;
static slm model;
static pool memory;
static bool have_model;
static slm_error trouble; // why there is none

static u64 address(const u8 *at) { return (u64)(uintptr_t)at; }

static u64 micros(void) { // since the kernel was entered
    u64 t = arch_ticks() - here->entered;
    return t / here->ticks_hz * 1000000 + t % here->ticks_hz * 1000000 / here->ticks_hz;
}

// ---- the model ----

static bool memory_suffices(void) {
    const region *r = map_find(&here->map, address(kernel_start));
    u64 need = address(pool_start) + SLM_POOL_BYTES, have = r ? r->end : 0;
    say("[slm] memory usable_bytes=%lu image_end=0x%lx pool_end=0x%lx\n", map_total(&here->map), address(pool_start), need);
    return need <= have || slm_fail(&trouble, SLM_MEMORY, "memory short: model and pool end at byte %lu, memory at %lu", need, have) == SLM_OK;
}

static bool hash_agrees(bytes file) {
    u64 start = micros(), found = fnv1a(FNV_START, file);
    say("[slm] model bytes=%lu hash=%016lx expected=%016lx hash_ms=%lu\n", file.size, found, (u64)SLM_MODEL_HASH, (micros() - start) / 1000);
    return found == SLM_MODEL_HASH || slm_fail(&trouble, SLM_HASH, "model damaged: its hash is %016lx, %016lx expected", found, (u64)SLM_MODEL_HASH) == SLM_OK;
}

static bool open_model(void) {
    bytes file = {slm_model_start, (u64)(slm_model_end - slm_model_start)};
    if (!memory_suffices()) return false;
    if (!file.size) return slm_fail(&trouble, SLM_FORMAT, "no model in this image") == SLM_OK;
    if (!hash_agrees(file)) return false;
    u64 start = micros();
    memory = (pool){pool_start, SLM_POOL_BYTES, 0};
    if (slm_open(&model, file, &memory, &trouble)) return false;
    llama_shape s = model.net.shape;
    say("[slm] shape layers=%u dim=%u heads=%u kv_heads=%u ffn=%u vocab=%u context=%u weights=%lu type=%s\n",
        s.layers, s.dim, s.heads, s.kv_heads, s.ffn, s.vocab, s.context, model.net.weights, type_name(model.net.layer[0].q.type));
    say("[slm] pool bytes=%lu used=%lu open_ms=%lu\n", memory.size, memory.used, (micros() - start) / 1000);
    return true;
}

// ---- asking ----

typedef struct {
    char text[512]; // what was said so far
    u32 size;       // characters
    bool aloud;
} speech;

static void hear(void *to, u32 id) {
    speech *s = to;
    u8 text[256];
    bytes said = {text, bpe_decode(&model.words, id, text, sizeof text)};
    if (s->aloud) say_bytes(said);
    for (u64 i = 0; i < said.size && s->size < sizeof s->text; i++) s->text[s->size++] = (char)said.at[i];
}

// The model's greedy answer; false with the reason in *e when the question does not fit.
static bool ask_model(bytes question, u32 limit, speech *s, u32 *n_prompt, u32 *n_answer, slm_error *e) {
    sampler greedy = {0, 0, 1, 0};
    if (slm_chat(&model, question, n_prompt, e) || slm_read(&model, model.ids, *n_prompt, e)) return false;
    *n_answer = slm_write(&model, limit, model.end, &greedy, hear, s);
    return true;
}

static f64 per_second(u64 count, u64 micros) { return micros ? (f64)count * 1e6 / (f64)micros : 0; }

static void answer(bytes question) {
    u64 start = micros();
    if (!have_model) {
        char text[512];
        rule_answer(question, text, sizeof text);
        say("%s\n[slm] answer engine=rules reason=\"%s\"\n", text, trouble.text);
        return;
    }
    speech s = {.aloud = true};
    u32 prompt, tokens;
    slm_error e;
    if (!ask_model(question, 64, &s, &prompt, &tokens, &e)) { say("[slm] refused %s\n", e.text); return; }
    u64 took = micros() - start;
    say("\n[slm] answer engine=model prompt_tokens=%u tokens=%u ms=%lu\n", prompt, tokens, took / 1000);
}

// ---- the devices of this machine ----

static device devices[128];
static u32 n_functions, n_devices; // PCI comes first

static bytes ask_about(bytes template, bytes id, char *out, u32 cap) {
    u64 at = 0;
    if (!bytes_find(template, bytes_of("{id}"), &at)) return template;
    u32 n = slm_format(out, cap, "%.*s%.*s%.*s", (int)at, (const char *)template.at, (int)id.size, (const char *)id.at,
                       (int)(template.size - at - 4), (const char *)template.at + at + 4);
    return (bytes){(const u8 *)out, n};
}

// What the model says to one of the questions, on one line of at most `limit` tokens.
static bytes opinion(u32 question, bytes id, u32 limit, speech *s) {
    char text[256];
    u32 prompt, tokens;
    slm_error e;
    s->size = 0, s->aloud = false;
    if (!ask_model(ask_about(wording(question), id, text, sizeof text), limit, s, &prompt, &tokens, &e)) return bytes_of("?");
    for (u32 i = 0; i < s->size; i++)
        if (s->text[i] == '\n' || s->text[i] == '"') s->text[i] = ' ';
    return (bytes){(const u8 *)s->text, s->size};
}

static const char *verdict(bool known, bool right) { return !known ? "unknown" : right ? "right" : "wrong"; }

static void say_field(const char *name, bytes value) {
    say(" %s=\"", name);
    say_bytes(value);
    say("\"");
}

static void say_device(const char *kind, const device *d) {
    say("[slm] %s %.*s %.*s", kind, (int)d->place.size, (const char *)d->place.at, (int)d->id.size, (const char *)d->id.at);
    if (d->count > 1) say(" count=%u", d->count);
}

static void say_facts(const fact *f, bool known, bool late) {
    say_field("name", known ? f->name : bytes_of("?"));
    say_field("driver", known ? f->drivers : bytes_of("?"));
    say(" engine=rules%s\n", late ? " reason=\"late; the command devices asks the model\"" : "");
}

// What the model says of a device beside what the fact table says. Returns how many of its two answers are right.
static u32 say_opinion(const device *d, const fact *f, bool known) {
    static speech s;
    bytes said = opinion(d->on_tree ? NAME_OF_NODE : NAME_OF_FUNCTION, d->id, 32, &s);
    bool name_right = known && agrees_name(f, said);
    say_field("name", said);
    said = opinion(d->on_tree ? DRIVER_OF_NODE : DRIVER_OF_FUNCTION, d->id, 16, &s);
    bool driver_right = known && agrees_driver(f, said);
    say_field("driver", said);
    say(" name_is=%s driver_is=%s engine=model", verdict(known, name_right), verdict(known, driver_right));
    if (known && !driver_right) say_field("fact", f->drivers);
    say("\n");
    return (u32)name_right + (u32)driver_right;
}

typedef struct {
    u32 asked, right, later; // answers; right ones; devices left for the command
} survey;

// Whether the slowest device so far could be asked about once more before `until` (microseconds; 0: take your time).
static bool in_time(u64 until, u64 slowest) { return !until || micros() + slowest <= until; }

// Shows every device as the engine names it, and counts what is right. A node of which there is no fact is part of the
// board, an interrupt controller say, that no driver module could serve: it is shown, and nobody is asked.
static survey show_devices(u64 until) {
    survey n = {0};
    u64 slowest = 0;
    for (u32 i = 0; i < n_devices; i++) {
        const device *d = &devices[i];
        fact f = {0};
        bool known = find_fact(d->id, &f);
        say_device(d->on_tree ? "node" : "device", d);
        if (d->on_tree && !known) { say(" fact=none\n"); continue; }
        if (!known) say(" class=%06x", d->class);
        bool late = have_model && !in_time(until, slowest);
        if (late || !have_model || !fact_count()) { say_facts(&f, known, late), n.later += late; continue; }
        u64 start = micros();
        u32 right = say_opinion(d, &f, known);
        if (micros() - start > slowest) slowest = micros() - start;
        if (known) n.asked += 2, n.right += right;
    }
    return n;
}

static void show_drivers(void) {
    for (u32 i = 0; i < n_devices; i++) {
        fact f;
        bool known = find_fact(devices[i].id, &f);
        say_device("driver", &devices[i]);
        say_field("fact", known ? f.drivers : bytes_of("?"));
        say("\n");
    }
}

// ---- shell ----

static void ignore(void *to, u32 id) { (void)to, (void)id; }

static void bench(void) {
    enum { PROMPT = 16, ANSWER = 50 };
    if (!have_model) { say("[slm] refused no model: %s\n", trouble.text); return; }
    slm_error e;
    sampler greedy = {0, 0, 1, 0};
    for (u32 i = 0; i < PROMPT; i++) model.ids[i] = (i * 7 + 300) % model.net.shape.vocab;
    model.n_seen = 0; // nothing is remembered from before
    u64 start = micros();
    if (slm_read(&model, model.ids, PROMPT, &e)) { say("[slm] refused %s\n", e.text); return; }
    u64 middle = micros();
    u32 count = slm_write(&model, ANSWER, BPE_NONE, &greedy, ignore, NULL);
    u64 end = micros();
    say("[slm] bench prompt_tokens=%u tokens=%u prefill_tok_per_s=%.2f decode_tok_per_s=%.2f answer_ms=%lu\n", PROMPT, count,
        per_second(PROMPT, middle - start), per_second(count - 1, end - middle), (end - start) / 1000);
}

static bool take_number(bytes *text, u32 *number) {
    while (text->size && *text->at == ' ') text->at++, text->size--;
    u64 value = 0, n = 0;
    for (; n < text->size && text->at[n] >= '0' && text->at[n] <= '9'; n++)
        if (value < 1ull << 32) value = value * 10 + text->at[n] - '0';
    text->at += n, text->size -= n;
    while (text->size && *text->at == ' ') text->at++, text->size--;
    *number = value < UINT32_MAX ? (u32)value : UINT32_MAX;
    return n > 0;
}

static void say_id(void *to, u32 id) { (void)to, say(" %u", id); }

// Fills model.ids from a list of numbers; says why when it cannot.
static bool take_ids(bytes list, u32 *n) {
    if (!have_model) { say("[slm] refused no model: %s\n", trouble.text); return false; }
    for (*n = 0; *n < model.net.shape.context && take_number(&list, &model.ids[*n]);) ++*n;
    if (list.size) say("[slm] refused slm ids takes numbers, at most %u\n", model.net.shape.context);
    return !list.size;
}

// slm ids N id id ...: the ids of N new tokens, whatever they are
static void continue_ids(bytes list) {
    slm_error e;
    sampler greedy = {0, 0, 1, 0};
    u32 limit, n;
    if (!take_number(&list, &limit)) { say("[slm] refused slm ids needs a count and tokens\n"); return; }
    if (!take_ids(list, &n)) return;
    if (slm_read(&model, model.ids, n, &e)) { say("[slm] refused %s\n", e.text); return; }
    say("ids:");
    slm_write(&model, limit, BPE_NONE, &greedy, say_id, NULL);
    say("\n");
}

// slm bits id id ...: the hash of all logits after these tokens; equal on two machines only if every bit of them is
static void show_bits(bytes list) {
    u32 n;
    slm_error e;
    if (!take_ids(list, &n)) return;
    if (slm_read(&model, model.ids, n, &e)) { say("[slm] refused %s\n", e.text); return; }
    u64 hash = fnv1a(FNV_START, (bytes){(const u8 *)model.net.logits, model.net.shape.vocab * sizeof(f32)});
    say("[slm] bits logits=%u hash=%016lx\n", model.net.shape.vocab, hash);
}

static void show_memory(void) {
    say("[slm] memory usable_bytes=%lu image_end=0x%lx model_bytes=%lu pool_bytes=%lu pool_used=%lu\n", map_total(&here->map),
        address(pool_start), (u64)(slm_model_end - slm_model_start), memory.size, have_model ? memory.used : 0);
    for (u32 i = 0; i < here->map.count; i++) say("[slm] usable at=0x%lx end=0x%lx\n", here->map.usable[i].at, here->map.usable[i].end);
    say("[slm] image at=0x%lx kernel_end=0x%lx model_at=0x%lx model_end=0x%lx pool_at=0x%lx pool_end=0x%lx\n", address(kernel_start),
        address(kernel_end), address(slm_model_start), address(slm_model_end), address(pool_start), address(pool_start) + memory.size);
}

static void show_help(void) {
    say("slm query TEXT   ask the model (or the rules)    devices   what is there, named by the model\n"
        "slm ids N ID...  N tokens after these            drivers   the same, drivers by the fact table\n"
        "slm bits ID...   hash of the logits after these\n"
        "mem              memory, model and pool          bench     16 tokens in, 50 out, timed\n"
        "fault            raise an exception              off       power off\n"
        "Anything else is a question.\n");
}

static bool starts(bytes line, const char *word, bytes *rest) {
    bytes w = bytes_of(word);
    if (line.size < w.size || !bytes_equal((bytes){line.at, w.size}, w)) return false;
    if (line.size > w.size && line.at[w.size] != ' ') return false;
    *rest = (bytes){line.at + w.size, line.size - w.size};
    while (rest->size && *rest->at == ' ') rest->at++, rest->size--;
    return true;
}

static void run(bytes line) {
    bytes rest;
    #define IS(word) (starts(line, word, &rest) && !rest.size)
    if (!line.size) return;
    if (starts(line, "slm query", &rest)) answer(rest);
    else if (starts(line, "slm ids", &rest)) continue_ids(rest);
    else if (starts(line, "slm bits", &rest)) show_bits(rest);
    else if (IS("devices")) show_devices(0);
    else if (IS("drivers")) show_drivers();
    else if (IS("mem")) show_memory();
    else if (IS("bench")) bench();
    else if (IS("help")) show_help();
    else if (IS("fault")) arch_fault();
    else if (IS("off")) { say("[slm] off\n"); arch_off(false); }
    else answer(line);
}

void kernel_main(const machine *m) {
    here = m;
    say("\n[slm] kernel arch=%s clock_hz=%lu facts=%u kernel_bytes=%lu\n", arch_name, m->ticks_hz, fact_count(), (u64)(kernel_end - kernel_start));
    have_model = open_model();
    if (!have_model) say("[slm] rules reason=\"%s\"\n", trouble.text);
    u64 loaded = micros();
    say("[slm] loaded engine=%s ms=%lu\n", have_model ? "model" : "rules", loaded / 1000);
    n_functions = find_functions(devices, COUNT(devices));
    n_devices = n_functions + find_nodes(&m->tree, devices + n_functions, COUNT(devices) - n_functions);
    u64 found = micros();
    survey n = show_devices(SLM_ASK_US);
    say("[slm] survey devices=%u nodes=%u asked=%u right=%u later=%u bus_ms=%lu ask_ms=%lu\n", n_functions, n_devices - n_functions,
        n.asked, n.right, n.later, (found - loaded) / 1000, (micros() - found) / 1000);
    say("[slm] ready boot_ms=%lu\n", micros() / 1000);
    for (;;) run(read_line("slm> "));
}
