/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* test_flat_boot.c - do first states, page tables and images come out right,
 * and does the walker find what the tables say? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/abi/walk.h"
#include "vmm/boot/first_state.h"
#include "vmm/boot/flat_image.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/x86.h"

#define RAM_LEN 0x400000u

static struct memory memory;

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(memory_create_flat(&memory, RAM_LEN), 0);
}

static void end(void)
{
	memory_destroy(&memory);
}

static void set32(uint64_t gpa, uint32_t value)
{
	memcpy(memory_range(&memory, gpa, 4), &value, 4);
}

static void set64(uint64_t gpa, uint64_t value)
{
	memcpy(memory_range(&memory, gpa, 8), &value, 8);
}

/* --- first states ------------------------------------------------------------
 */

static void real_mode_has_one_selector_everywhere(void)
{
	struct first_state s = { .regs.rax = 1, .sregs.cr0 = CR0_ET };

	first_state_real(&s, 0xc000, 7);
	CU_ASSERT_EQUAL(s.regs.rip, 7);
	CU_ASSERT_EQUAL(s.regs.rax, 0);
	CU_ASSERT_EQUAL(s.regs.rflags, 2);
	CU_ASSERT_EQUAL(s.sregs.cs.selector, 0xc000);
	CU_ASSERT_EQUAL(s.sregs.cs.base, 0xc0000);
	CU_ASSERT_EQUAL(s.sregs.ss.base, 0xc0000);
	CU_ASSERT_EQUAL(s.sregs.gs.selector, 0xc000);
	CU_ASSERT_EQUAL(s.sregs.es.limit, 0xffff);
	CU_ASSERT_EQUAL(s.sregs.cr0, CR0_ET);
}

static void protected_modes_differ_in_control_registers(void)
{
	struct first_state s = { .sregs.cr0 = CR0_ET };

	first_state_protected(&s, 0x1000);
	CU_ASSERT_EQUAL(s.regs.rip, 0x1000);
	CU_ASSERT_EQUAL(s.sregs.cr0, CR0_ET | CR0_PE);
	CU_ASSERT_EQUAL(s.sregs.cs.selector, 8);
	CU_ASSERT_EQUAL(s.sregs.cs.db, 1);
	CU_ASSERT_EQUAL(s.sregs.cs.l, 0);
	CU_ASSERT_EQUAL(s.sregs.ss.selector, 0x10);
	CU_ASSERT_EQUAL(s.sregs.ss.type, 3);

	first_state_paging32(&s, 0x80001000, 0x100000, CR0_ET, CR4_PSE);
	CU_ASSERT_EQUAL(s.regs.rip, 0x80001000);
	CU_ASSERT_EQUAL(s.sregs.cr0, CR0_ET | CR0_PE | CR0_PG);
	CU_ASSERT_EQUAL(s.sregs.cr3, 0x100000);
	CU_ASSERT_EQUAL(s.sregs.cr4, CR4_PSE);
	CU_ASSERT_EQUAL(s.sregs.efer, 0);

	first_state_long(&s, 1ull << 40, 0x2000, CR0_NE);
	CU_ASSERT_EQUAL(s.regs.rip, 1ull << 40);
	CU_ASSERT_EQUAL(s.sregs.cr0, CR0_NE | CR0_PE | CR0_PG);
	CU_ASSERT_EQUAL(s.sregs.cr4, CR4_PAE);
	CU_ASSERT_EQUAL(s.sregs.efer, EFER_LME | EFER_LMA);
	CU_ASSERT_EQUAL(s.sregs.cs.l, 1);
	CU_ASSERT_EQUAL(s.sregs.cs.db, 0);
	CU_ASSERT_EQUAL(s.sregs.ds.l, 0);
}

/* --- tables and walks
 * --------------------------------------------------------- */

static void long_tables_map_all_and_no_more(void)
{
	static const uint64_t page_lens[] = { 0x1000, 0x200000 };
	struct walk walk;
	uint64_t end_gpa;

	for (int i = 0; i < 2; i++) {
		begin();
		CU_ASSERT_EQUAL(flat_tables_long(&memory, 0x2000, RAM_LEN,
						 page_lens[i], PTE_USER,
						 &end_gpa),
				0);
		CU_ASSERT_EQUAL(end_gpa, i ? 0x5000 : 0x7000);
		CU_ASSERT_EQUAL(walk_four(&memory, 0x2000, RAM_LEN - 1, &walk),
				0);
		CU_ASSERT_EQUAL(walk.gpa, RAM_LEN - 1);
		CU_ASSERT_EQUAL(walk.page_len, page_lens[i]);
		CU_ASSERT_EQUAL(walk.flags, PTE_USER);
		CU_ASSERT_EQUAL(walk_four(&memory, 0x2000, RAM_LEN, &walk),
				-EFAULT);
		CU_ASSERT_EQUAL(walk_four(&memory, 0x2000, UINT64_MAX, &walk),
				-EFAULT);
		CU_ASSERT_EQUAL(walk_four(&memory, 0x2000, 1ull << 47, &walk),
				-EFAULT);
		end();
	}
}

static void tables_that_do_not_fit_are_einval(void)
{
	static const struct {
		uint64_t gpa, len, page_len;
	} bad[] = {
		{ 0x2001, RAM_LEN, 0x1000 },
		{ RAM_LEN - 0x2000, RAM_LEN, 0x200000 },
		{ RAM_LEN - 0x4000, RAM_LEN, 0x1000 }, /* one PT fits, not 2 */
		{ UINT64_MAX & ~0xfffull, RAM_LEN, 0x1000 },
		{ 0x2000, 0, 0x1000 },
		{ 0x2000, (1ull << 30) + 0x200000, 0x200000 },
		{ 0x2000, 0x201000, 0x200000 },
		{ 0x2000, RAM_LEN, 0x2000 },
	};
	uint64_t end_gpa;

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(flat_tables_long(&memory, bad[i].gpa,
						 bad[i].len, bad[i].page_len,
						 PTE_USER, &end_gpa),
				-EINVAL);
	CU_ASSERT_EQUAL(flat_tables_pse(&memory, RAM_LEN, 0, 0, 3), -EINVAL);
	CU_ASSERT_EQUAL(flat_tables_pse(&memory, 0x10, 0, 0, 3), -EINVAL);
	CU_ASSERT_EQUAL(flat_tables_pse(&memory, 0x1000, 1024, 0, 3), -EINVAL);
	end();
}

static void two_levels_are_walked_with_and_without_pse(void)
{
	struct walk walk;

	begin();
	CU_ASSERT_EQUAL(flat_tables_pse(&memory, 0x1000, 512, 0, 3), 0);
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1000, true, 0x80123456, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x123456);
	CU_ASSERT_EQUAL(walk.page_len, 0x400000);
	CU_ASSERT_EQUAL(walk.flags, PTE_P | PTE_RW);
	/* Without CR4.PSE the bit is ignored: a table, at 0, of zeros. */
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1000, false, 0x80123456, &walk),
			-EFAULT);
	set32(0x1000 + 4 * 4, 0x3000 | PTE_USER);
	set32(0x3000 + 5 * 4, 0x200000 | PTE_P | PTE_US);
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1018, true, 0x1005abc, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x200abc);
	CU_ASSERT_EQUAL(walk.page_len, 0x1000);
	CU_ASSERT_EQUAL(walk.flags, PTE_P | PTE_US);
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1000, true, 0x1006000, &walk),
			-EFAULT);
	/* PSE-36: bits 39..32 are in bits 20..13. */
	set32(0x1000, 1u << 13 | PTE_P | PTE_PS);
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1000, true, 1, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, (1ull << 32) + 1);
	end();
}

static void tables_outside_of_ram_are_efault(void)
{
	struct walk walk;

	begin();
	CU_ASSERT_EQUAL(walk_two(&memory, RAM_LEN, true, 0, &walk), -EFAULT);
	CU_ASSERT_EQUAL(walk_four(&memory, RAM_LEN, 0, &walk), -EFAULT);
	CU_ASSERT_EQUAL(walk_four(&memory, UINT64_MAX, 0, &walk), -EFAULT);
	set32(0x1000, 0xfffff000 | PTE_P);
	CU_ASSERT_EQUAL(walk_two(&memory, 0x1000, true, 0, &walk), -EFAULT);
	set64(0x1000, 0xffffffffff000 | PTE_P);
	CU_ASSERT_EQUAL(walk_four(&memory, 0x1000, 0, &walk), -EFAULT);
	/* A loop of tables ends at its fourth level. */
	set64(0x1000, 0x1000 | PTE_P);
	CU_ASSERT_EQUAL(walk_four(&memory, 0x1000, 0x123, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x1123);
	end();
}

static void mode_chooses_the_walk(void)
{
	struct kvm_sregs sregs = { .cr3 = 0x1000 };
	struct walk walk;

	begin();
	CU_ASSERT_EQUAL(walk_linear(&memory, &sregs, UINT64_MAX, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, UINT64_MAX);
	CU_ASSERT_EQUAL(walk.page_len, 0);
	sregs.cr0 = CR0_PE | CR0_PG;
	CU_ASSERT_EQUAL(walk_linear(&memory, &sregs, 0, &walk), -EFAULT);
	sregs.cr4 = CR4_PAE;
	CU_ASSERT_EQUAL(walk_linear(&memory, &sregs, 0, &walk), -ENOTSUP);
	sregs.efer = EFER_LMA;
	set64(0x1000, 0x1000 | PTE_P);
	CU_ASSERT_EQUAL(walk_linear(&memory, &sregs, 0, &walk), 0);
	end();
}

/* walk_print() as one text. */
static char *printed(const struct kvm_sregs *sregs)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	walk_print(out, &memory, sregs);
	CU_ASSERT_EQUAL(fclose(out), 0);
	return text;
}

static void print_joins_neighbours(void)
{
	struct kvm_sregs sregs = { .cr3 = 0x2000 };
	uint64_t end_gpa;
	char *text;

	begin();
	text = printed(&sregs);
	CU_ASSERT_STRING_EQUAL(text, "  no paging: linear is physical\n");
	free(text);
	sregs.cr0 = CR0_PG;
	text = printed(&sregs);
	CU_ASSERT_STRING_EQUAL(text, "  no page is mapped\n");
	free(text);
	sregs.cr4 = CR4_PSE;
	flat_tables_pse(&memory, 0x2000, 0, 0, PTE_USER);
	flat_tables_pse(&memory, 0x2000, 512, 0, 3);
	text = printed(&sregs);
	CU_ASSERT_STRING_EQUAL(
		text,
		"  linear 0..3fffff -> 0 rw user, pages of 4096 KiB\n"
		"  linear 80000000..803fffff -> 0 rw, pages of 4096 KiB\n");
	free(text);
	sregs.efer = EFER_LMA;
	flat_tables_long(&memory, 0x2000, RAM_LEN, 0x1000, 3, &end_gpa);
	text = printed(&sregs);
	CU_ASSERT_STRING_EQUAL(text,
			       "  linear 0..3fffff -> 0 rw, pages of 4 KiB\n");
	free(text);
	end();
}

static void print_of_endless_tables_ends(void)
{
	struct kvm_sregs sregs = { .cr0 = CR0_PG,
				   .efer = EFER_LMA,
				   .cr3 = 0x1000 };
	char *text;

	begin();
	/* Each entry shows the table itself, so 512^4 pages. */
	for (uint32_t i = 0; i < 512; i++)
		set64(0x1000 + 8 * i, 0x1000 | PTE_P);
	text = printed(&sregs);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  and more\n"));
	CU_ASSERT_TRUE(strlen(text) < 4096);
	free(text);
	end();
}

/* --- images
 * --------------------------------------------------------------------- */

/* A file of this many bytes 1. */
static void file_make(char path[32], size_t len)
{
	int fd;

	snprintf(path, 32, "/tmp/ivlab-flat-XXXXXX");
	fd = mkstemp(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	for (size_t i = 0; i < len; i++)
		CU_ASSERT_EQUAL(write(fd, "\1", 1), 1);
	close(fd);
}

static void image_must_fit_its_place(void)
{
	static const struct {
		size_t file_len;
		uint64_t gpa, max_len;
		int err;
	} cases[] = {
		{ 10, 0, 10, 0 },
		{ 10, 0x1000, RAM_LEN - 0x1000, 0 },
		{ 10, RAM_LEN - 10, 10, 0 },
		{ 0, 0, 10, -ENODATA },
		{ 11, 0, 10, -EFBIG },
		{ 1, RAM_LEN, 0, -EFBIG },
		{ 1, RAM_LEN - 9, 10, -EINVAL },
		{ 1, UINT64_MAX, 2, -EINVAL },
	};
	char path[32];
	uint64_t len;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin();
		file_make(path, cases[i].file_len);
		CU_ASSERT_EQUAL(flat_image_load(&memory, path, cases[i].gpa,
						cases[i].max_len, &len),
				cases[i].err);
		if (!cases[i].err) {
			CU_ASSERT_EQUAL(len, cases[i].file_len);
			CU_ASSERT_EQUAL(memory.hva[cases[i].gpa + len - 1], 1);
		}
		unlink(path);
		end();
	}
}

static void image_that_cannot_be_read_is_its_errno(void)
{
	uint64_t len;

	begin();
	CU_ASSERT_EQUAL(flat_image_load(&memory, "/absent", 0, 10, &len),
			-ENOENT);
	CU_ASSERT_EQUAL(flat_image_load(&memory, "/tmp", 0, 10, &len), -EISDIR);
	CU_ASSERT_EQUAL(flat_image_load(&memory, "/dev/null", 0, 10, &len),
			-ENOTSUP);
	CU_ASSERT_EQUAL(flat_image_load(&memory, "/dev/zero", 0, 10, &len),
			-ENOTSUP);
	end();
}

static const struct unit_test tests[] = {
	{ "real_mode_has_one_selector_everywhere",
	  real_mode_has_one_selector_everywhere },
	{ "protected_modes_differ_in_control_registers",
	  protected_modes_differ_in_control_registers },
	{ "long_tables_map_all_and_no_more", long_tables_map_all_and_no_more },
	{ "tables_that_do_not_fit_are_einval",
	  tables_that_do_not_fit_are_einval },
	{ "two_levels_are_walked_with_and_without_pse",
	  two_levels_are_walked_with_and_without_pse },
	{ "tables_outside_of_ram_are_efault",
	  tables_outside_of_ram_are_efault },
	{ "mode_chooses_the_walk", mode_chooses_the_walk },
	{ "print_joins_neighbours", print_joins_neighbours },
	{ "print_of_endless_tables_ends", print_of_endless_tables_ends },
	{ "image_must_fit_its_place", image_must_fit_its_place },
	{ "image_that_cannot_be_read_is_its_errno",
	  image_that_cannot_be_read_is_its_errno },
};

UNIT_MAIN("flat_boot", tests)
