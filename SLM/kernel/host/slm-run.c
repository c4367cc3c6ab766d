// slm-run: the runtime as an ordinary program. Exit 0 fine, 2 usage, 3 model or prompt refused.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../runtime/slm.h"
#include "simd.h"
#include "threads.h"

static const char usage[] =
    "usage: slm-run --model M.gguf ACTION [OPTION]\n"
    "actions  --prompt TEXT      answer as in a chat\n"
    "         --ids \"4 17 5\"     continue these tokens (never stops at end of text)\n"
    "         --tokenize TEXT    print the ids of a text; '-' reads one text per line\n"
    "         --interactive      one question per line\n"
    "         --bench            time a prompt and the tokens after it, each the best of several rounds\n"
    "         --info             shape, hash and pool as KEY=VALUE lines\n"
    "         --hash             FNV-1a of the file, which need not be a model\n"
    "         --logits \"4 17 5\"  print every logit after these tokens\n"
    "         --logits-all IDS   the logits after each of these tokens, as float32\n"
    "options  --max-tokens N (64)  --temperature F (0)  --top-k N (0: all)  --top-p F (1)\n"
    "         --seed N (0)  --print-ids  --threads N (1)\n"
    "         --prompt-tokens N (64, at most half the context)  --rounds N (3)   of --bench\n"
    "         --engine NAME      inner loops, by default the fastest that runs here; all give the same tokens\n";

typedef struct {
    slm *model;
    bool as_ids;
} listener;

static void say(void *to, u32 id) {
    listener *l = to;
    u8 text[1024];
    if (l->as_ids) printf(" %u", id);
    else fwrite(text, 1, bpe_decode(&l->model->words, id, text, sizeof text), stdout);
    fflush(stdout);
}

static f64 seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (f64)t.tv_sec + 1e-9 * (f64)t.tv_nsec;
}

static void refuse(const char *what, const char *why) {
    fflush(stdout);
    fprintf(stderr, "slm-run: %s: %s\n", what, why);
    exit(3);
}

static bytes map_file(const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) refuse(path, "cannot be read");
    if (!st.st_size) refuse(path, "is empty");
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) refuse(path, "cannot be mapped");
    close(fd);
    return (bytes){at, (u64)st.st_size};
}

// Reads a list of ids into s->ids and says how many there are.
static u32 parse_ids(slm *s, const char *list) {
    u32 n = 0;
    for (char *end; n < s->net.shape.context; list = end) {
        unsigned long id = strtoul(list, &end, 10);
        if (end == list) break;
        s->ids[n++] = id > UINT32_MAX ? UINT32_MAX : (u32)id;
    }
    while (*list == ' ') list++;
    if (*list) refuse("ids", "more of them than the context holds, or no numbers");
    return n;
}

static void read_first(slm *s, u32 n) {
    slm_error e;
    if (slm_read(s, s->ids, n, &e)) refuse("ids", e.text);
}

static void read_ids(slm *s, const char *list) { read_first(s, parse_ids(s, list)); }

static void answer(slm *s, bytes text, u32 limit, sampler *choice, bool as_ids) {
    slm_error e;
    u32 n;
    if (slm_chat(s, text, &n, &e) || slm_read(s, s->ids, n, &e)) refuse("prompt", e.text);
    if (as_ids) printf("ids:");
    slm_write(s, limit, s->end, choice, say, &(listener){s, as_ids});
    printf("\n");
}

static void continue_ids(slm *s, const char *list, u32 limit, sampler *choice) {
    read_ids(s, list);
    printf("ids:");
    slm_write(s, limit, BPE_NONE, choice, say, &(listener){s, true});
    printf("\n");
}

static void logits(slm *s, const char *list) {
    read_ids(s, list);
    for (u32 i = 0; i < s->net.shape.vocab; i++) printf("%.9g\n", (f64)s->net.logits[i]);
}

static void all_logits(slm *s, const char *list) {
    u32 n = parse_ids(s, list);
    for (u32 i = n ? 1 : 0; i <= n; i++) { // what was read is in the cache
        read_first(s, i);
        fwrite(s->net.logits, sizeof(f32), s->net.shape.vocab, stdout);
    }
}

static void tokenize(slm *s, bytes text) {
    static u32 ids[BPE_TEXT];
    slm_error e;
    u32 n;
    if (bpe_encode(&s->words, text, ids, BPE_TEXT, &n, &e)) refuse("text", e.text);
    printf("ids:");
    for (u32 i = 0; i < n; i++) printf(" %u", ids[i]);
    printf("\n");
}

static void ignore(void *to, u32 id) { (void)to, (void)id; }

// The first round brings the file into memory and is not counted. The first new token comes of the prompt, so it is no step.
static void bench(slm *s, u32 n, u32 limit, u32 rounds, sampler *choice) {
    slm_error e;
    u32 half = s->net.shape.context / 2, count = 0;
    f64 read = 1e9, wrote = 1e9;
    if (!n) n = half < 64 ? half : 64;
    if (!limit || !rounds) refuse("bench", "--max-tokens and --rounds take 1 or more");
    if (n >= s->net.shape.context) refuse("bench", "the prompt leaves no room in the context");
    for (u32 i = 0; i < n; i++) s->ids[i] = i * 7 % s->net.shape.vocab;
    for (u32 round = 0; round <= rounds; round++) {
        s->n_seen = 0;
        f64 start = seconds();
        if (slm_read(s, s->ids, n, &e)) refuse("bench", e.text);
        f64 middle = seconds();
        count = slm_write(s, limit, BPE_NONE, choice, ignore, NULL);
        f64 end = seconds();
        if (round && middle - start < read) read = middle - start;
        if (round && end - middle < wrote) wrote = end - middle;
    }
    printf("prefill %.1f tokens/s over %u, decode %.1f tokens/s over %u\n", n / read, n, (count - 1) / wrote, count);
}

static void info(const slm *s, bytes file, u64 need) {
    llama_shape a = s->net.shape;
    printf("hash=%016llx\nbytes=%llu\npool_bytes=%llu\n", (unsigned long long)fnv1a(FNV_START, file), (unsigned long long)file.size, (unsigned long long)need);
    printf("layers=%u\ndim=%u\nffn=%u\nheads=%u\nkv_heads=%u\nvocab=%u\ncontext=%u\n", a.layers, a.dim, a.ffn, a.heads, a.kv_heads, a.vocab, a.context);
    printf("weights=%llu\nlinear_type=%s\nembedding_type=%s\nengine=%s\n", (unsigned long long)s->net.weights, type_name(s->net.layer[0].q.type), type_name(s->net.embed.type), slm_engine->name);
}

typedef void per_line(slm *s, bytes line, void *with);

static void each_line(slm *s, per_line *act, void *with) {
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        if (line[n - 1] == '\n') n--;
        act(s, (bytes){(const u8 *)line, (u64)n}, with);
        fflush(stdout);
    }
    free(line);
}

typedef struct {
    u32 limit;
    sampler *choice;
    bool as_ids;
} options;

static void answer_line(slm *s, bytes line, void *with) {
    const options *o = with;
    answer(s, line, o->limit, o->choice, o->as_ids);
}

static void tokenize_line(slm *s, bytes line, void *with) { (void)with, tokenize(s, line); }

static bool choose_engine(const char *name) {
    const engine *found[ENGINES_MAX];
    u32 n = find_engines(found);
    for (u32 i = 0; i < n; i++)
        if (!name || bytes_equal(bytes_of(name), bytes_of(found[i]->name))) return slm_engine = found[i], true;
    return false;
}

static int stop_usage(const char *about) {
    fprintf(stderr, "slm-run: %s\n%s", about, usage);
    return 2;
}

int main(int argc, char **argv) {
    const char *path = NULL, *action = NULL, *text = NULL, *engine_name = NULL;
    u32 threads = 1, prompt_tokens = 0, rounds = 3;
    sampler choice = {0, 0, 1, 0};
    options o = {64, &choice, false};
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bytes f = bytes_of(flag);
        #define IS(name) bytes_equal(f, bytes_of(name))
        if (IS("--help")) return fputs(usage, stdout), 0;
        if (IS("--print-ids")) { o.as_ids = true; continue; }
        if (IS("--interactive") || IS("--bench") || IS("--info") || IS("--hash")) { action = flag; continue; }
        if (!value) return stop_usage("an option lacks its value, or there is none of that name");
        if (IS("--model")) path = value;
        else if (IS("--prompt") || IS("--ids") || IS("--tokenize") || IS("--logits") || IS("--logits-all")) action = flag, text = value;
        else if (IS("--max-tokens")) o.limit = (u32)strtoul(value, NULL, 10);
        else if (IS("--temperature")) choice.temperature = strtof(value, NULL);
        else if (IS("--top-k")) choice.top_k = (u32)strtoul(value, NULL, 10);
        else if (IS("--top-p")) choice.top_p = strtof(value, NULL);
        else if (IS("--seed")) choice.state = strtoull(value, NULL, 10);
        else if (IS("--threads")) threads = (u32)strtoul(value, NULL, 10);
        else if (IS("--prompt-tokens")) prompt_tokens = (u32)strtoul(value, NULL, 10);
        else if (IS("--rounds")) rounds = (u32)strtoul(value, NULL, 10);
        else if (IS("--engine")) engine_name = value;
        else return stop_usage("no option of that name");
        i++;
    }
    if (!path || !action) return stop_usage("--model and an action are needed");
    if (threads < 1 || threads > THREADS_MAX) return stop_usage("--threads takes 1 to 64");
    if (!choose_engine(engine_name)) return stop_usage("--engine: this processor has none of that name");

    bytes file = map_file(path), f = bytes_of(action);
    if (IS("--hash")) return printf("%016llx\n", (unsigned long long)fnv1a(FNV_START, file)), 0;
    static slm model;
    slm_error e;
    u64 need;
    if (slm_pool_bytes(file, &need, &e)) refuse(path, e.text);
    pool p = {aligned_alloc(64, need), need, 0};
    if (!p.base) refuse(path, "no memory for the pool");
    if (slm_open(&model, file, &p, &e)) refuse(path, e.text);
    if (!start_threads(threads)) refuse("threads", "the system starts no more of them");

    if (IS("--prompt")) answer(&model, bytes_of(text), o.limit, &choice, o.as_ids);
    else if (IS("--ids")) continue_ids(&model, text, o.limit, &choice);
    else if (IS("--logits")) logits(&model, text);
    else if (IS("--logits-all")) all_logits(&model, text);
    else if (IS("--interactive")) each_line(&model, answer_line, &o);
    else if (IS("--bench")) bench(&model, prompt_tokens, o.limit, rounds, &choice);
    else if (IS("--info")) info(&model, file, need);
    else if (bytes_equal(bytes_of(text), bytes_of("-"))) each_line(&model, tokenize_line, NULL);
    else tokenize(&model, bytes_of(text));
    free(p.base);
    return 0;
}
