/* SPDX-License-Identifier: MIT */
/* labfile.c - what does a lab file say, and where is it wrong? */
#include "vmm/lab/labfile.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/near.h"
#include "vmm/lab/escape.h"
#include "vmm/lab/labfile_keys.h"
#include "vmm/lab/labfile_lines.h"
#include "vmm/lab/labfile_shares.h"
#include "vmm/lab/pins.h"

#define SHOWN_LEN  80 /* of a value in a message */
#define BLANKS	   " \t"
#define QUANTUM_NS 100000000ull

struct section {
	const struct labfile_key *keys;
	uint32_t keys_nr;
	uint32_t line;
	uint32_t key_line[LABFILE_KEYS_MAX]; /* 0: not given */
	char title[LAB_NAME_LEN + 10];	     /* "[vm producer]" */
};

struct parse {
	const char *name; /* the file's, for messages */
	FILE *errors;
	uint32_t errors_nr;
	uint32_t line; /* being looked at */
	struct labfile_target target;
	struct section lab;
	struct section vms[LAB_VMS_MAX];
	struct section shares[LAB_SHARES_MAX];
	struct section *now; /* NULL: a section whose keys mean nothing */
};

__attribute__((format(printf, 3, 4))) static void
wrong(struct parse *p, uint32_t line, const char *fmt, ...)
{
	va_list args;

	if (++p->errors_nr > LAB_ERRORS_MAX)
		return;
	fprintf(p->errors, "%s:%u: ", p->name, line);
	va_start(args, fmt);
	vfprintf(p->errors, fmt, args);
	va_end(args);
	fputc('\n', p->errors);
	if (p->errors_nr == LAB_ERRORS_MAX)
		fprintf(p->errors, "%s: what else may be wrong is not shown\n",
			p->name);
}

/* A stranger's text, fit for a message. */
struct shown {
	char text[ESCAPE_LEN(SHOWN_LEN) + 4];
};
static const char *show(struct shown *shown, const char *text)
{
	size_t len = strnlen(text, SHOWN_LEN);
	size_t end = escape_bytes(shown->text, text, len);

	if (text[len] != '\0')
		memcpy(shown->text + end, "...", 4);
	return shown->text;
}

/* --- sections ------------------------------------------------------------ */

static bool is_name(const char *text)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_-");

	return len > 0 && len < LAB_NAME_LEN && text[len] == '\0';
}

static void begin_vm(struct parse *p, const char *name)
{
	struct lab *lab = p->target.lab;
	struct section *section = &p->vms[lab->vms_nr];
	struct lab_vm *vm = &lab->vms[lab->vms_nr];
	struct shown shown;

	if (!is_name(name)) {
		wrong(p, p->line,
		      "[vm %s]: not a name; allowed: 1 to %d letters, digits, "
		      "'-' and '_'",
		      show(&shown, name), LAB_NAME_LEN - 1);
		return;
	}
	for (uint32_t i = 0; i < lab->vms_nr; i++)
		if (strcmp(lab->vms[i].name, name) == 0) {
			wrong(p, p->line,
			      "[vm %s]: there is one of that name on line %u",
			      name, p->vms[i].line);
			return;
		}
	if (lab->vms_nr == LAB_VMS_MAX) {
		wrong(p, p->line, "[vm %s]: allowed: at most %d VMs", name,
		      LAB_VMS_MAX);
		return;
	}
	*vm = (struct lab_vm){
		.args = strdup(""),
		.memory_len = 16 << 20,
		.cpus_nr = 1,
	};
	if (!vm->args)
		wrong(p, p->line, "[vm %s]: out of memory", name);
	memcpy(vm->name, name, strlen(name)); /* is_name(): it fits */
	*section = (struct section){ .keys = labfile_vm_keys,
				     .keys_nr = LABFILE_VM_KEYS_NR,
				     .line = p->line };
	snprintf(section->title, sizeof(section->title), "[vm %s]", name);
	lab->vms_nr++;
	p->now = section;
	p->target.vm = vm;
}

static void begin_share(struct parse *p, const char *name)
{
	struct lab *lab = p->target.lab;
	struct section *section = &p->shares[lab->shares_nr];
	struct lab_share *share = &lab->shares[lab->shares_nr];
	struct shown shown;

	if (!is_name(name)) {
		wrong(p, p->line,
		      "[share %s]: not a name; allowed: 1 to %d letters, "
		      "digits, '-' and '_'",
		      show(&shown, name), LAB_NAME_LEN - 1);
		return;
	}
	for (uint32_t i = 0; i < lab->shares_nr; i++)
		if (strcmp(lab->shares[i].name, name) == 0) {
			wrong(p, p->line,
			      "[share %s]: there is one of that name on line "
			      "%u",
			      name, p->shares[i].line);
			return;
		}
	if (lab->shares_nr == LAB_SHARES_MAX) {
		wrong(p, p->line, "[share %s]: allowed: at most %d shares",
		      name, LAB_SHARES_MAX);
		return;
	}
	*share = (struct lab_share){ .mode = SHARE_RO };
	memcpy(share->name, name, strlen(name)); /* is_name(): it fits */
	*section = (struct section){ .keys = labfile_share_keys,
				     .keys_nr = LABFILE_SHARE_KEYS_NR,
				     .line = p->line };
	snprintf(section->title, sizeof(section->title), "[share %s]", name);
	lab->shares_nr++;
	p->now = section;
	p->target.share = share;
}

static void on_section(void *arg, uint32_t line, const char *heading)
{
	struct parse *p = arg;
	struct shown shown;
	char words[LABFILE_LINE_LEN];
	const char *type;
	const char *name;
	char *rest = words;
	size_t len;

	p->line = line;
	p->now = NULL;
	p->target.vm = NULL;
	heading += strspn(heading, BLANKS);
	snprintf(words, sizeof(words), "%s", heading);
	for (len = strlen(words); len && strchr(BLANKS, words[len - 1]); len--)
		words[len - 1] = '\0';
	type = strsep(&rest, BLANKS);
	name = rest ? rest + strspn(rest, BLANKS) : "";
	if (strcmp(type, "vm") == 0) {
		begin_vm(p, name);
	} else if (strcmp(type, "share") == 0) {
		begin_share(p, name);
	} else if (strcmp(type, "lab") != 0 || *name) {
		wrong(p, line,
		      "[%s]: no such section; allowed: [lab], [vm NAME] and "
		      "[share NAME]",
		      show(&shown, heading));
	} else if (p->lab.line) {
		wrong(p, line, "[lab]: there is one on line %u", p->lab.line);
	} else {
		p->lab.line = line;
		p->now = &p->lab;
	}
}

/* --- keys ---------------------------------------------------------------- */

static void unknown_key(struct parse *p, const char *name)
{
	const char *names[LABFILE_KEYS_MAX];
	char known[128] = "";
	size_t len = 0;
	struct shown shown;
	const char *near;

	for (uint32_t i = 0; i < p->now->keys_nr; i++) {
		names[i] = p->now->keys[i].name;
		len += (size_t)snprintf(known + len, sizeof(known) - len,
					"%s%s", i ? ", " : "", names[i]);
	}
	near = near_name(name, names, p->now->keys_nr);
	wrong(p, p->line, "%s %s: no such key%s%s%s; allowed: %s",
	      p->now->title, show(&shown, name), near ? ", did you mean " : "",
	      near ? near : "", near ? "?" : "", known);
}

static void set_key(struct parse *p, const char *name, const char *value)
{
	struct section *now = p->now;
	/* A reason may name a path, so a stranger's text too. */
	char why[ESCAPE_LEN(sizeof(p->target.reason))];
	struct shown shown;
	const char *reason;
	uint32_t i = 0;

	while (i < now->keys_nr && strcmp(now->keys[i].name, name) != 0)
		i++;
	if (i == now->keys_nr) {
		unknown_key(p, name);
		return;
	}
	if (now->key_line[i]) {
		wrong(p, p->line, "%s %s: given already on line %u", now->title,
		      name, now->key_line[i]);
		return;
	}
	now->key_line[i] = p->line;
	if (!*value && now->keys[i].set != labfile_vm_keys[LABFILE_VM_ARGS].set)
		reason = "no value";
	else
		reason = now->keys[i].set(&p->target, value);
	if (!reason)
		return;
	escape_bytes(why, reason,
		     strnlen(reason, sizeof(p->target.reason) - 1));
	wrong(p, p->line, "%s %s = %s: %s; allowed: %s", now->title, name,
	      show(&shown, value), why, now->keys[i].allowed);
}

static void on_key(void *arg, uint32_t line, const char *key, const char *value)
{
	struct parse *p = arg;

	p->line = line;
	if (p->now)
		set_key(p, key, value);
}

static void on_wrong(void *arg, uint32_t line, const char *what)
{
	struct parse *p = arg;

	p->line = line;
	wrong(p, line, "%s", what);
}

/* --- the whole file ------------------------------------------------------ */

static void check_vm_shares(struct parse *p, struct lab_vm *vm,
			    const struct section *s)
{
	char reason[128], shown[ESCAPE_LEN(sizeof(reason))];
	const char *why = labfile_shares_find(p->target.lab, vm, reason,
					      sizeof(reason));

	if (!why)
		return;
	escape_bytes(shown, why, strlen(why));
	wrong(p, s->key_line[LABFILE_VM_SHARES], "%s shares: %s; allowed: %s",
	      s->title, shown, s->keys[LABFILE_VM_SHARES].allowed);
}

static void check_vm(struct parse *p, struct lab_vm *vm,
		     const struct section *s)
{
	if (!s->key_line[LABFILE_VM_IMAGE])
		wrong(p, s->line, "%s image: missing; allowed: %s", s->title,
		      s->keys[LABFILE_VM_IMAGE].allowed);
	if (vm->pin_nr && vm->pin_nr != vm->cpus_nr)
		wrong(p, s->key_line[LABFILE_VM_PIN],
		      "%s pin: %u CPUs for %u vCPUs; allowed: %s", s->title,
		      vm->pin_nr, vm->cpus_nr, s->keys[LABFILE_VM_PIN].allowed);
	if (vm->plain && s->key_line[LABFILE_VM_VECTORS])
		wrong(p, s->key_line[LABFILE_VM_VECTORS],
		      "%s vectors: the plain device has none; allowed: no "
		      "vectors, or device = doorbell",
		      s->title);
	check_vm_shares(p, vm, s);
	if (!vm->plain && !s->key_line[LABFILE_VM_VECTORS])
		vm->vectors_nr = p->target.lab->vectors_nr;
}

static void check_directory(struct parse *p, const struct lab_share *share,
			    const struct section *s)
{
	if (!s->key_line[LABFILE_SHARE_PATH])
		wrong(p, s->line, "%s path: missing; allowed: %s", s->title,
		      s->keys[LABFILE_SHARE_PATH].allowed);
	if (share->quota && share->mode != SHARE_COW)
		wrong(p, s->key_line[LABFILE_SHARE_QUOTA],
		      "%s quota: only changes of VMs have one; allowed: with "
		      "mode = cow",
		      s->title);
}

/* What VMs with a share, or without one, get of a CPU. */
static void check_shares_of_cpu(struct parse *p, uint32_t vm_nr, uint32_t cpu)
{
	const struct lab *lab = p->target.lab;
	uint32_t sum = 0, without = LAB_VMS_MAX;

	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		const struct lab_vm *vm = &lab->vms[i];
		bool here = false;

		for (uint32_t j = 0; j < vm->pin_nr; j++)
			here = here || vm->pin[j] == cpu;
		if (!here)
			continue;
		/* Each CPU once: by the first VM with a share. */
		if (vm->share && i < vm_nr)
			return;
		sum += vm->share;
		if (!vm->share)
			without = i;
	}
	if (sum > 100)
		wrong(p, p->vms[vm_nr].key_line[LABFILE_VM_SHARE],
		      "%s share: the VMs pinned to CPU %u have %u percent of "
		      "it together; allowed: 100 at most, so lower one or pin "
		      "it to another CPU",
		      p->vms[vm_nr].title, cpu, sum);
	else if (sum == 100 && without < LAB_VMS_MAX)
		wrong(p, p->vms[without].key_line[LABFILE_VM_PIN],
		      "%s pin: shares leave nothing of CPU %u to it; allowed: "
		      "another CPU, or lower shares, so that something is left",
		      p->vms[without].title, cpu);
}

static void check_shares(struct parse *p)
{
	const struct lab *lab = p->target.lab;

	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		const struct lab_vm *vm = &lab->vms[i];
		const struct section *s = &p->vms[i];

		/* 0 is a value that was refused already, too. */
		if (!vm->share)
			continue;
		if (vm->pin_spread || !s->key_line[LABFILE_VM_PIN])
			wrong(p, s->key_line[LABFILE_VM_SHARE],
			      "%s share: of which CPU?; allowed: with pin = "
			      "CPU, the same for all that share it",
			      s->title);
		for (uint32_t j = 0; j < vm->pin_nr; j++)
			check_shares_of_cpu(p, i, vm->pin[j]);
	}
}

static void check_whole(struct parse *p)
{
	struct lab *lab = p->target.lab;

	check_shares(p);
	for (uint32_t i = 0; i < lab->shares_nr; i++)
		check_directory(p, &lab->shares[i], &p->shares[i]);
	for (uint32_t i = 0; i < lab->vms_nr; i++)
		check_vm(p, &lab->vms[i], &p->vms[i]);
	if (!lab->vms_nr && !p->errors_nr)
		wrong(p, 1, "no [vm NAME] section: nothing to start");
}

/* DIR/.ivlab/LAB, for the lab file DIR/LAB.lab: with its name, so that labs of
 * one directory stay apart. */
static char *private_dir_of(const char *name, const char *dir)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');
	char *path;

	if (asprintf(&path, "%s/.ivlab/%.*s", dir ? dir : ".",
		     dot && dot > base ? (int)(dot - base) : (int)strlen(base),
		     base) < 0)
		return NULL;
	return path;
}

int labfile_read_stream(FILE *file, const char *name, const char *dir,
			struct lab **out, FILE *errors)
{
	struct labfile_lines_events events = { .section = on_section,
					       .key = on_key,
					       .wrong = on_wrong };
	struct parse *p = calloc(1, sizeof(*p));
	struct lab *lab = calloc(1, sizeof(*lab));
	int err = -ENOMEM;

	if (!p || !lab)
		goto fail;
	*lab = (struct lab){ .region_len = 64 << 20,
			     .vectors_nr = 2,
			     .quantum_ns = QUANTUM_NS };
	lab->private_dir = private_dir_of(name, dir);
	if (!lab->private_dir)
		goto fail;
	p->name = name;
	p->errors = errors;
	p->target.lab = lab;
	p->target.dir = dir;
	p->lab.keys = labfile_lab_keys;
	p->lab.keys_nr = LABFILE_LAB_KEYS_NR;
	strcpy(p->lab.title, "[lab]");

	events.arg = p;
	err = labfile_lines(file, &events);
	if (err) {
		fprintf(errors, "%s: %s\n", name, strerror(-err));
		goto fail;
	}
	check_whole(p);
	if (p->errors_nr) {
		err = -EINVAL;
		goto fail;
	}
	free(p);
	pins_spread(lab);
	*out = lab;
	return 0;

fail:
	free(p);
	labfile_destroy(lab);
	return err;
}

int labfile_read(const char *path, struct lab **out, FILE *errors)
{
	char dir[PATH_MAX];
	char *slash;
	FILE *file;
	int err;

	file = fopen(path, "re");
	if (!file) {
		err = -errno;
		fprintf(errors, "%s: %s\n", path, strerror(-err));
		return err;
	}
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	err = labfile_read_stream(file, path, slash ? dir : NULL, out, errors);
	(void)fclose(file);
	return err;
}

void labfile_destroy(struct lab *lab)
{
	if (!lab)
		return;
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		free(lab->vms[i].image);
		free(lab->vms[i].args);
		free(lab->vms[i].share_names);
	}
	for (uint32_t i = 0; i < lab->shares_nr; i++)
		free(lab->shares[i].path);
	free(lab->private_dir);
	free(lab);
}
