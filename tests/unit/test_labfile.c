/* SPDX-License-Identifier: MIT */
/* test_labfile.c - lab files as they should be, and every way to break one. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/lab/labfile.h"

/* Any readable file will do as an image here. */
#define IMAGE "image = /proc/self/exe\n"

static char messages[8192];

static int read_bytes(const char *text, size_t len, struct lab **lab)
{
	FILE *errors = fmemopen(messages, sizeof(messages), "w");
	FILE *file = fmemopen((void *)text, len, "r");
	int err;

	messages[0] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	err = labfile_read_stream(file, "t.lab", "/proc/self", lab, errors);
	(void)fclose(file);
	(void)fclose(errors);
	return err;
}

static struct lab *read_good(const char *text)
{
	struct lab *lab = NULL;

	CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &lab), 0);
	CU_ASSERT_STRING_EQUAL(messages, "");
	if (*messages)
		printf("# %s", messages);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab);
	return lab;
}

/* The text is refused and one of the messages begins with `expected`. */
static void assert_bad(const char *text, const char *expected)
{
	struct lab *lab = NULL;
	const char *found;

	CU_ASSERT_EQUAL(read_bytes(text, strlen(text), &lab), -EINVAL);
	CU_ASSERT_PTR_NULL(lab);
	found = strstr(messages, expected);
	CU_ASSERT_TRUE(found && (found == messages || found[-1] == '\n'));
	if (!found)
		printf("# wanted: %s\n# got: %s", expected, messages);
}

static int first_cpu(void)
{
	cpu_set_t set;

	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return 0;
}

static void defaults_are_used_for_absent_keys(void)
{
	struct lab *lab = read_good("[vm a]\n" IMAGE);

	CU_ASSERT_EQUAL(lab->region_len, 64 << 20);
	CU_ASSERT_FALSE(lab->hugepages);
	CU_ASSERT_EQUAL(lab->vectors_nr, 2);
	CU_ASSERT_EQUAL(lab->quantum_ns, 100000000);
	CU_ASSERT_EQUAL(lab->vms_nr, 1);
	CU_ASSERT_STRING_EQUAL(lab->vms[0].name, "a");
	CU_ASSERT_STRING_EQUAL(lab->vms[0].image, "/proc/self/exe");
	CU_ASSERT_STRING_EQUAL(lab->vms[0].args, "");
	CU_ASSERT_EQUAL(lab->vms[0].memory_len, 16 << 20);
	CU_ASSERT_EQUAL(lab->vms[0].cpus_nr, 1);
	CU_ASSERT_EQUAL(lab->vms[0].pin_nr, 0);
	CU_ASSERT_EQUAL(lab->vms[0].share, 0);
	CU_ASSERT_EQUAL(lab->vms[0].vectors_nr, 2);
	CU_ASSERT_FALSE(lab->vms[0].plain);
	labfile_destroy(lab);
}

static void every_key_reaches_the_lab(void)
{
	char text[512];
	struct lab *lab;
	int cpu = first_cpu();

	snprintf(text, sizeof(text),
		 "\xef\xbb\xbf[vm first-1]\n" IMAGE "memory = 2050M\n"
		 "  cpus = 2 ; two of them\n"
		 "\tpin = %d,%d # the same twice\n"
		 "args =  messages=5   --fast  \nvectors = 64\n\n"
		 "[lab]\nregion = 4K\nhugepages = yes\nvectors = 7\n"
		 "# comment\n; comment\n"
		 "[vm SECOND_2]\nimage = ./exe\ndevice = plain\n"
		 "[ vm  third ]\ndevice = doorbell\n" IMAGE,
		 cpu, cpu);
	lab = read_good(text);
	CU_ASSERT_EQUAL(lab->region_len, 4096);
	CU_ASSERT_TRUE(lab->hugepages);
	CU_ASSERT_EQUAL(lab->vectors_nr, 7);
	CU_ASSERT_EQUAL_FATAL(lab->vms_nr, 3);
	CU_ASSERT_STRING_EQUAL(lab->vms[0].name, "first-1");
	CU_ASSERT_STRING_EQUAL(lab->vms[0].args, "messages=5   --fast");
	CU_ASSERT_EQUAL(lab->vms[0].memory_len, 2050ull << 20);
	CU_ASSERT_EQUAL(lab->vms[0].cpus_nr, 2);
	CU_ASSERT_EQUAL(lab->vms[0].pin_nr, 2);
	CU_ASSERT_EQUAL(lab->vms[0].pin[1], (uint32_t)cpu);
	CU_ASSERT_EQUAL(lab->vms[0].vectors_nr, 64);
	CU_ASSERT_STRING_EQUAL(lab->vms[1].name, "SECOND_2");
	CU_ASSERT_STRING_EQUAL(lab->vms[1].image, "/proc/self/./exe");
	CU_ASSERT_TRUE(lab->vms[1].plain);
	CU_ASSERT_EQUAL(lab->vms[1].vectors_nr, 0);
	CU_ASSERT_STRING_EQUAL(lab->vms[2].name, "third");
	CU_ASSERT_EQUAL(lab->vms[2].vectors_nr, 7);
	labfile_destroy(lab);
}

static void spread_gives_each_vcpu_a_cpu_or_none(void)
{
	struct lab *lab;
	cpu_set_t set;
	char text[256];

	/* One CPU is always there, and once it is taken it is not shared. */
	lab = read_good("[vm a]\n" IMAGE "pin = spread");
	CU_ASSERT_EQUAL(lab->vms[0].pin_nr, 1);
	CU_ASSERT_EQUAL(lab->vms[0].pin[0], (uint32_t)first_cpu());
	labfile_destroy(lab);

	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(set), &set), 0);
	snprintf(text, sizeof(text),
		 "[vm a]\n" IMAGE "pin = %d\n[vm b]\n" IMAGE "pin = spread",
		 first_cpu());
	lab = read_good(text);
	CU_ASSERT_EQUAL(lab->vms[1].pin_nr, CPU_COUNT(&set) > 1 ? 1 : 0);
	if (lab->vms[1].pin_nr)
		CU_ASSERT_NOT_EQUAL(lab->vms[1].pin[0], (uint32_t)first_cpu());
	labfile_destroy(lab);

	if (CPU_COUNT(&set) >= 8)
		return;
	lab = read_good("[vm a]\n" IMAGE "cpus = 8\npin = spread");
	CU_ASSERT_EQUAL(lab->vms[0].pin_nr, 0);
	labfile_destroy(lab);
}

static void shares_of_one_cpu_reach_the_lab(void)
{
	struct lab *lab;
	char text[512];
	int cpu = first_cpu();

	/* What is left is for those without; 100 in all is not too much. */
	snprintf(text, sizeof(text),
		 "[lab]\nquantum = 20ms\n"
		 "[vm a]\n" IMAGE "pin = %d\nshare = 60\n"
		 "[vm b]\n" IMAGE "share = 39\npin = %d\n"
		 "[vm c]\n" IMAGE "pin = %d\n",
		 cpu, cpu, cpu);
	lab = read_good(text);
	CU_ASSERT_EQUAL(lab->quantum_ns, 20000000);
	CU_ASSERT_EQUAL(lab->vms[0].share, 60);
	CU_ASSERT_EQUAL(lab->vms[1].share, 39);
	CU_ASSERT_EQUAL(lab->vms[2].share, 0);
	labfile_destroy(lab);

	/* Two vCPUs on one CPU are one VM there. */
	snprintf(text, sizeof(text),
		 "[vm a]\n" IMAGE "cpus = 2\npin = %d,%d\nshare = 99\n"
		 "[vm b]\n" IMAGE "share = 1\npin = %d\n",
		 cpu, cpu, cpu);
	labfile_destroy(read_good(text));
}

static void shares_that_cannot_be_kept_are_named(void)
{
	char text[512], expected[256];
	int cpu = first_cpu();

	assert_bad("[vm a]\n" IMAGE "share = 70\n",
		   "t.lab:3: [vm a] share: of which CPU?; allowed: with pin");
	assert_bad("[vm a]\n" IMAGE "share = 70\npin = spread\n",
		   "t.lab:3: [vm a] share: of which CPU?; allowed: with pin");
	snprintf(text, sizeof(text),
		 "[vm a]\n" IMAGE "pin = %d\nshare = 70\n"
		 "[vm b]\n" IMAGE "pin = %d\nshare = 31\n",
		 cpu, cpu);
	snprintf(expected, sizeof(expected),
		 "t.lab:4: [vm a] share: the VMs pinned to CPU %d have 101 "
		 "percent of it together; allowed: 100 at most",
		 cpu);
	assert_bad(text, expected);
	snprintf(text, sizeof(text),
		 "[vm a]\n" IMAGE "pin = %d\nshare = 100\n"
		 "[vm b]\n" IMAGE "pin = %d\n",
		 cpu, cpu);
	snprintf(expected, sizeof(expected),
		 "t.lab:7: [vm b] pin: shares leave nothing of CPU %d to it; "
		 "allowed: another CPU",
		 cpu);
	assert_bad(text, expected);
}

static void last_line_without_newline_counts(void)
{
	struct lab *lab = read_good("[vm a]\r\n" IMAGE "cpus = 3");

	CU_ASSERT_EQUAL(lab->vms[0].cpus_nr, 3);
	labfile_destroy(lab);
}

static void args_of_full_length_are_kept(void)
{
	char text[8192] = "[vm a]\n" IMAGE "args = ";
	size_t start = strlen(text);
	struct lab *lab;

	memset(text + start, 'x', BARE_ARGS_LEN - 1);
	lab = read_good(text);
	CU_ASSERT_EQUAL(strlen(lab->vms[0].args), BARE_ARGS_LEN - 1);
	labfile_destroy(lab);
	memset(text + start, 'x', BARE_ARGS_LEN);
	assert_bad(text, "t.lab:3: [vm a] args = xxx");
}

struct bad_value {
	const char *key;
	const char *value;
	const char *says;
};

static void bad_values_of_lab_are_named(void)
{
	static const struct bad_value bads[] = {
		{ "region", "17Q", "not a size; allowed: a power of two" },
		{ "region", "3M", "not a power of two" },
		{ "region", "0", "too small" },
		{ "region", "2K", "too small" },
		{ "region", "256G", "too large" },
		{ "region", "99999999999G", "too large" },
		{ "region", "", "no value" },
		{ "region", "-1", "not a size" },
		{ "hugepages", "maybe", "neither yes nor no; allowed: yes" },
		{ "hugepages", "YES", "neither yes nor no" },
		{ "vectors", "0", "out of range; allowed: 1 to 64" },
		{ "vectors", "65", "out of range" },
		{ "vectors", "two", "not a number" },
		{ "quantum", "9ms", "out of range; allowed: 10ms to 10s" },
		{ "quantum", "10001ms", "out of range" },
		{ "quantum", "100", "not a time" },
		{ "quantum", "1 s", "not a time" },
	};
	char text[256];
	char expected[256];

	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		snprintf(text, sizeof(text),
			 "[vm a]\n" IMAGE "[lab]\n%s = %s\n", bads[i].key,
			 bads[i].value);
		snprintf(expected, sizeof(expected),
			 "t.lab:4: [lab] %s = %s: %s", bads[i].key,
			 bads[i].value, bads[i].says);
		assert_bad(text, expected);
	}
}

static void bad_values_of_vm_are_named(void)
{
	static const struct bad_value bads[] = {
		{ "memory", "17Q",
		  "not a size; allowed: 4M to 3G in steps of 2M\n" },
		{ "memory", "2M", "too small" },
		{ "memory", "5M", "not a multiple of 2M" },
		{ "memory", "3074M", "too large" },
		{ "memory", "18446744073709551616", "too large" },
		{ "cpus", "0", "out of range; allowed: 1 to 8" },
		{ "cpus", "9", "out of range" },
		{ "cpus", "1.5", "not a number" },
		{ "pin", "x", "not a list of CPU numbers; allowed: one host" },
		{ "pin", "0-1", "not a list of CPU numbers" },
		{ "pin", "0,", "not a list of CPU numbers" },
		{ "pin", "1023", "there is no CPU 1023 for us" },
		{ "pin", "4294967295", "there is no CPU 4294967295 for us" },
		{ "pin", "0,0,0,0,0,0,0,0,0", "more CPUs than a VM can have" },
		{ "share", "0", "out of range; allowed: 1 to 100 percent" },
		{ "share", "101", "out of range" },
		{ "share", "70%", "not a number" },
		{ "share", "-1", "not a number" },
		{ "device", "virtio", "no such device; allowed: doorbell or" },
		{ "device", "", "no value" },
		{ "vectors", "65", "out of range; allowed: 1 to 64" },
		{ "vectors", "0", "out of range" },
	};
	char text[256];
	char expected[256];

	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		snprintf(text, sizeof(text), "[vm prod]\n" IMAGE "%s = %s\n",
			 bads[i].key, bads[i].value);
		snprintf(expected, sizeof(expected),
			 "t.lab:3: [vm prod] %s = %s: %s", bads[i].key,
			 bads[i].value, bads[i].says);
		assert_bad(text, expected);
	}
}

static void bad_image_is_named_with_its_place(void)
{
	assert_bad("[vm a]\nimage = ./nowhere.elf\n",
		   "t.lab:2: [vm a] image = ./nowhere.elf: no file "
		   "/proc/self/./nowhere.elf; allowed: ");
	assert_bad("[vm a]\nimage = no-such-guest\n",
		   "t.lab:2: [vm a] image = no-such-guest: no guests came "
		   "with this ivlab: there is no /");
	assert_bad("[vm a]\nimage = /proc\n",
		   "t.lab:2: [vm a] image = /proc: /proc is a directory; "
		   "allowed: ");
	assert_bad("[vm a]\n\n[vm b]\n" IMAGE,
		   "t.lab:1: [vm a] image: missing; allowed: ");
}

static void pin_of_other_length_than_cpus_is_named(void)
{
	char text[128];

	snprintf(text, sizeof(text), "[vm a]\n" IMAGE "pin = %d\ncpus = 2\n",
		 first_cpu());
	assert_bad(text, "t.lab:3: [vm a] pin: 1 CPUs for 2 vCPUs; allowed: ");
}

static void vectors_of_plain_device_are_refused(void)
{
	assert_bad("[vm a]\nvectors = 3\ndevice = plain\n" IMAGE,
		   "t.lab:2: [vm a] vectors: the plain device has none");
	assert_bad("[vm a]\ndevice = plain\nvectors = 3\n" IMAGE,
		   "t.lab:3: [vm a] vectors: the plain device has none");
}

static void unknown_key_lists_known_ones(void)
{
	assert_bad("[vm a]\n" IMAGE "memroy = 4M\n",
		   "t.lab:3: [vm a] memroy: no such key, did you mean memory?; "
		   "allowed: image, memory, cpus, pin, share, args, device, "
		   "vectors");
	assert_bad("[lab]\nsize = 4M\n[vm a]\n" IMAGE,
		   "t.lab:2: [lab] size: no such key; allowed: region, "
		   "hugepages, vectors, quantum\n");
	/* Keys are as they are written. */
	assert_bad("[vm a]\n" IMAGE "CPUS = 1\n", "t.lab:3: [vm a] CPUS: no");
	/* A key of the other section is unknown here. */
	assert_bad("[vm a]\n" IMAGE "region = 4K\n",
		   "t.lab:3: [vm a] region: no such key; ");
}

static void second_key_or_section_names_the_first(void)
{
	assert_bad("[vm a]\n" IMAGE "cpus = 1\ncpus = 1\n",
		   "t.lab:4: [vm a] cpus: given already on line 3\n");
	assert_bad("[lab]\n[vm a]\n" IMAGE "[lab]\n",
		   "t.lab:4: [lab]: there is one on line 1\n");
	assert_bad("[vm a]\n" IMAGE "[vm a]\n" IMAGE,
		   "t.lab:3: [vm a]: there is one of that name on line 1\n");
}

static void bad_sections_are_named(void)
{
	assert_bad("[vmm a]\n" IMAGE,
		   "t.lab:1: [vmm a]: no such section; allowed: [lab], "
		   "[vm NAME] and [share NAME]\n");
	assert_bad("[]\n", "t.lab:1: []: no such section");
	assert_bad("[lab x]\n", "t.lab:1: [lab x]: no such section");
	assert_bad("[vm]\n", "t.lab:1: [vm ]: not a name; allowed: 1 to 31");
	assert_bad("[vm a b]\n", "t.lab:1: [vm a b]: not a name");
	assert_bad("[vm ../x]\n", "t.lab:1: [vm ../x]: not a name");
	assert_bad("[vm abcdefghijklmnopqrstuvwxyz123456]\n" IMAGE,
		   "t.lab:1: [vm abcdefghijklmnopqrstuvwxyz123456]: not a");
	assert_bad("[vm a\n" IMAGE, "t.lab:1: a [section] without its ]\n");
	assert_bad("[vm a] image = x\n", "t.lab:1: text behind a [section]\n");
	assert_bad("cpus = 1\n[vm a]\n" IMAGE,
		   "t.lab:1: text before the first [section]\n");
	assert_bad("[vm a]\n" IMAGE "cpus\n",
		   "t.lab:3: neither a [section] nor a key = value line\n");
	assert_bad("[vm a]\n" IMAGE "= 5\n", "t.lab:3: [vm a] : no such key");
}

static void file_without_vm_is_refused(void)
{
	assert_bad("[lab]\nregion = 4K\n", "t.lab:1: no [vm NAME] section");
	assert_bad("\n", "t.lab:1: no [vm NAME] section");
}

static void too_many_vms_are_refused(void)
{
	char text[16384] = "";
	size_t len = 0;
	struct lab *lab;

	for (int i = 0; i < LAB_VMS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"[vm v%d]\n" IMAGE, i);
	lab = read_good(text);
	CU_ASSERT_EQUAL(lab->vms_nr, LAB_VMS_MAX);
	labfile_destroy(lab);
	snprintf(text + len, sizeof(text) - len, "[vm last]\n" IMAGE);
	assert_bad(text, "t.lab:129: [vm last]: allowed: at most 64 VMs\n");
}

static void line_that_is_too_long_is_refused(void)
{
	char text[9000] = "[vm a]\n" IMAGE "args = ";

	memset(text + strlen(text), 'x', 8000);
	assert_bad(text, "t.lab:3: line too long; allowed: 4094 bytes\n");
}

static void binary_file_is_refused(void)
{
	static const char nul[] = "[vm a]\n" IMAGE "cpus = 1\0\n";
	static const char noise[] = "\x7f\x45LF\x01\x02\x03 = \x1b[31m\n";
	struct lab *lab = NULL;

	CU_ASSERT_EQUAL(read_bytes(nul, sizeof(nul) - 1, &lab), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "t.lab:3: a NUL byte"));
	CU_ASSERT_EQUAL(read_bytes(noise, sizeof(noise) - 1, &lab), -EINVAL);
	CU_ASSERT_PTR_NULL(lab);
}

static void messages_contain_no_control_bytes(void)
{
	assert_bad("[vm a]\n" IMAGE "cpus = \x1b[31m\n",
		   "t.lab:3: [vm a] cpus = \\x1b[31m: not a number");
}

static void all_mistakes_are_told_at_once_up_to_a_limit(void)
{
	char text[2048] = "[vm a]\n" IMAGE;
	size_t len = strlen(text);
	int lines = 0;

	assert_bad("[vm a]\ncpus = 0\nmemory = x\n", "t.lab:2: ");
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "\nt.lab:3: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(messages, "\nt.lab:1: [vm a] image"));
	for (int i = 0; i < 50; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"nonsense = 1\n");
	assert_bad(text, "t.lab:12: ");
	CU_ASSERT_PTR_NULL(strstr(messages, "t.lab:13: "));
	for (const char *p = messages; *p; p++)
		lines += *p == '\n';
	CU_ASSERT_EQUAL(lines, LAB_ERRORS_MAX + 1);
}

static void file_that_cannot_be_read_is_named(void)
{
	struct lab *lab = NULL;
	FILE *errors = fmemopen(messages, sizeof(messages), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(errors);
	CU_ASSERT_EQUAL(labfile_read("/nowhere/x.lab", &lab, errors), -ENOENT);
	CU_ASSERT_EQUAL(labfile_read("/proc", &lab, errors), -EISDIR);
	(void)fclose(errors);
	CU_ASSERT_STRING_EQUAL(messages,
			       "/nowhere/x.lab: No such file or directory\n"
			       "/proc: Is a directory\n");
}

static const struct unit_test tests[] = {
	{ "defaults_are_used_for_absent_keys",
	  defaults_are_used_for_absent_keys },
	{ "every_key_reaches_the_lab", every_key_reaches_the_lab },
	{ "spread_gives_each_vcpu_a_cpu_or_none",
	  spread_gives_each_vcpu_a_cpu_or_none },
	{ "shares_of_one_cpu_reach_the_lab", shares_of_one_cpu_reach_the_lab },
	{ "shares_that_cannot_be_kept_are_named",
	  shares_that_cannot_be_kept_are_named },
	{ "last_line_without_newline_counts",
	  last_line_without_newline_counts },
	{ "args_of_full_length_are_kept", args_of_full_length_are_kept },
	{ "bad_values_of_lab_are_named", bad_values_of_lab_are_named },
	{ "bad_values_of_vm_are_named", bad_values_of_vm_are_named },
	{ "bad_image_is_named_with_its_place",
	  bad_image_is_named_with_its_place },
	{ "pin_of_other_length_than_cpus_is_named",
	  pin_of_other_length_than_cpus_is_named },
	{ "vectors_of_plain_device_are_refused",
	  vectors_of_plain_device_are_refused },
	{ "unknown_key_lists_known_ones", unknown_key_lists_known_ones },
	{ "second_key_or_section_names_the_first",
	  second_key_or_section_names_the_first },
	{ "bad_sections_are_named", bad_sections_are_named },
	{ "file_without_vm_is_refused", file_without_vm_is_refused },
	{ "too_many_vms_are_refused", too_many_vms_are_refused },
	{ "line_that_is_too_long_is_refused",
	  line_that_is_too_long_is_refused },
	{ "binary_file_is_refused", binary_file_is_refused },
	{ "messages_contain_no_control_bytes",
	  messages_contain_no_control_bytes },
	{ "all_mistakes_are_told_at_once_up_to_a_limit",
	  all_mistakes_are_told_at_once_up_to_a_limit },
	{ "file_that_cannot_be_read_is_named",
	  file_that_cannot_be_read_is_named },
};
UNIT_MAIN("labfile", tests)
