/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_bells.c - does each doorbell value ring its eventfd, and no other? */
#include "vmm/devices/bells.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"

#define HERE_GPA  0xe000000cull
#define THERE_GPA 0xe200000cull

struct rig {
	struct kvm_vm *vm;
	struct bells bells;
	int efd, other_efd;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	CU_ASSERT_EQUAL(kvm_vm_create(&rig->vm), 0);
	rig->bells.kvm = rig->vm;
	rig->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig->other_efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void rig_done(struct rig *rig)
{
	bells_destroy(&rig->bells);
	kvm_vm_destroy(rig->vm);
	close(rig->efd);
	close(rig->other_efd);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

static bool was_rung(int efd)
{
	eventfd_t count;

	return eventfd_read(efd, &count) == 0;
}

static void set_out_of_range_is_einval(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, IVSHMEM_PEERS_MAX, 0, rig.efd),
			-EINVAL);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, UINT32_MAX, 0, rig.efd), -EINVAL);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 0, IVSHMEM_VECTORS_MAX, rig.efd),
			-EINVAL);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 0, UINT32_MAX, rig.efd), -EINVAL);
	rig_done(&rig);
}

static void bells_of_all_peers_move_with_the_register(void)
{
	static const uint32_t ids[] = { 0, 1, 255, 256, 4096, 65535 };
	const uint32_t ids_nr = sizeof(ids) / sizeof(*ids);
	struct rig rig;

	rig_init(&rig);
	for (uint32_t i = 0; i < ids_nr; i++)
		for (uint32_t v = 0; v < 3; v++)
			CU_ASSERT_EQUAL(
				bells_set(&rig.bells, ids[i], v, rig.efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	bells_place(&rig.bells, HERE_GPA);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, ids_nr * 3);
	bells_place(&rig.bells, THERE_GPA);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, ids_nr * 3);
	for (uint32_t i = 0; i < ids_nr; i++)
		CU_ASSERT_PTR_NOT_NULL(fake_kvm_ioeventfd(
			rig.vm, THERE_GPA, IVSHMEM_DOORBELL(ids[i], 2)));
	bells_unplace(&rig.bells);
	bells_unplace(&rig.bells);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	rig_done(&rig);
}

static void highest_vector_of_highest_peer_rings(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 65535, 63, rig.efd), 0);
	CU_ASSERT_EQUAL(bells_ring(&rig.bells, 0xffff003f), 0);
	CU_ASSERT_TRUE(was_rung(rig.efd));
	rig_done(&rig);
}

static void peer_comes_changes_and_goes(void)
{
	struct rig rig;

	rig_init(&rig);
	bells_place(&rig.bells, HERE_GPA);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 9, 3, rig.efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1); /* 0..2 are unknown */
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 9, 3, rig.other_efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	CU_ASSERT_TRUE(fake_kvm_store32(rig.vm, HERE_GPA, 0x90003));
	CU_ASSERT_TRUE(was_rung(rig.other_efd));
	CU_ASSERT_FALSE(was_rung(rig.efd));
	bells_del_peer(&rig.bells, 8);
	bells_del_peer(&rig.bells, 70000);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	bells_del_peer(&rig.bells, 9);
	bells_del_peer(&rig.bells, 9);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	CU_ASSERT_EQUAL(bells_ring(&rig.bells, 0x90003), -ENOENT);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 9, 0, rig.efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	rig_done(&rig);
}

static void full_kernel_table_leaves_the_rest_to_ring_here(void)
{
	struct rig rig;

	rig_init(&rig);
	fake_kvm.ioeventfds_max = 1;
	bells_place(&rig.bells, HERE_GPA);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 1, 0, rig.efd), 0);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 1, 1, rig.other_efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	CU_ASSERT_EQUAL(bells_ring(&rig.bells, 0x10001), 0);
	CU_ASSERT_TRUE(was_rung(rig.other_efd));
	bells_del_peer(&rig.bells, 1);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	rig_done(&rig);
}

static void ring_with_full_counter_is_a_ring(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 7, 0, rig.efd), 0);
	CU_ASSERT_EQUAL(eventfd_write(rig.efd, UINT64_MAX - 1), 0);
	CU_ASSERT_EQUAL(bells_ring(&rig.bells, 0x70000), 0);
	CU_ASSERT_TRUE(was_rung(rig.efd));
	rig_done(&rig);
}

static void ring_of_broken_fd_is_its_errno(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(bells_set(&rig.bells, 7, 0, 1000000), 0);
	CU_ASSERT_EQUAL(bells_ring(&rig.bells, 0x70000), -EBADF);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(set_out_of_range_is_einval),
	TEST(bells_of_all_peers_move_with_the_register),
	TEST(highest_vector_of_highest_peer_rings),
	TEST(peer_comes_changes_and_goes),
	TEST(full_kernel_table_leaves_the_rest_to_ring_here),
	TEST(ring_with_full_counter_is_a_ring),
	TEST(ring_of_broken_fd_is_its_errno),
};

UNIT_MAIN("bells", tests)
