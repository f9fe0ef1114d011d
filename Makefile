# ivlab: an inter-VM shared-memory lab for Linux KVM
#
#   make              build everything (installs nothing)
#   make run          install what is missing, build, run the demo lab
#   make demo-files   three machines change one shared directory, each its own
#   make test         install what is missing, build, run all tests
#   make test-nested  the tests of VMs, on an emulated hardware KVM
#   make check        format, lint, include arrows, headers (what CI runs)
#   make bench        our rings beside everybody else's (BUILDS=2: in a second
#                   build too, with other alignment of the code)
#   make fuzz         libFuzzer: each target for FUZZ_SECONDS (60), FUZZ=NAME
#   make model        the protocols' models, searched through with spin
#   make fmt          format the sources in place
#   make install      PREFIX=/usr/local DESTDIR=
#   make clean        remove build/
#   make debug        build/debug/ivlab without optimisation, for gdb
#   make structure    what is in which folder and page
#   make version      the version
#   make help         this text
#
#   V=1               show the commands
#   SAN=a,b           sanitizer build: address,undefined or thread
#   T=NAME            make test, test-nested: only tests with NAME in their name

SAN    ?=
T      ?=
PREFIX ?= /usr/local
FUZZ   ?=
OPT    ?=
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC     := gcc
endif
comma  := ,
FUZZER := $(findstring fuzzer-no-link,$(SAN))
B      := build/$(or $(subst $(comma),-,$(SAN)),plain)
VERSION := 0.1.0

WARN   := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wvla -Wundef \
          -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
          -Wwrite-strings
COMMON := $(WARN) -O2 -g -I. -MMD -MP -mprfchw
HOST   := $(COMMON) -D_GNU_SOURCE -DIVLAB_VERSION='"$(VERSION)"' -pthread \
          -fstack-protector-strong $(OPT) \
          $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
          -fno-omit-frame-pointer) $(if $(findstring thread,$(SAN)),-Wno-tsan) \
          $(if $(FUZZER),-Wno-gnu-variable-sized-type-not-at-end)
GUEST  := $(COMMON) -ffreestanding -fno-stack-protector -fno-pic -no-pie \
          -mno-red-zone -mcmodel=small -fno-asynchronous-unwind-tables
LIBS   := -luring -linih -ljansson -lseccomp
Q      := $(if $(V),,@)

# --- what is built from what ------------------------------------------------
SHM_C  := $(wildcard shm/*.c)
LIB_C  := $(SHM_C) $(wildcard shm/link/*.c vmm/core/*.c vmm/boot/*.c \
          vmm/devices/*.c vmm/files/*.c vmm/abi/*.c vmm/lab/*.c)
WORK_C := producer-consumer/producer.c producer-consumer/consumer.c \
          producer-consumer/workload.c
HOSTED := $(patsubst producer-consumer/%.c,%,$(wildcard \
          producer-consumer/host_*.c))
GLIB_C := $(SHM_C) $(wildcard guests/runtime/*.c guests/driver/*.c)
GLIB_S := $(wildcard guests/runtime/*.S)
APPS   := $(patsubst guests/apps/%.c,%,$(wildcard guests/apps/*.c)) \
          $(patsubst tests/guest/%.c,test_%,$(wildcard tests/guest/*.c)) \
          $(patsubst producer-consumer/guest_%.c,%,$(wildcard \
          producer-consumer/guest_*.c))
UNIT   := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
STRESS := $(patsubst tests/stress/%.c,%,$(wildcard tests/stress/*.c))
PEERS  := $(patsubst tests/system/%.c,%,$(wildcard tests/system/*.c))
FUZZED := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

host   = $(addprefix $(B)/host/,$(1:.c=.o))
guest  = $(addprefix $(B)/guest/,$(addsuffix .o,$(basename $(1))))

.PHONY: all run demo-files test test-nested check bench fuzz fuzzers model fmt install \
        clean help deps debug structure version
.SECONDARY:
all: $(B)/ivlab $(addprefix $(B)/guests/,$(addsuffix .elf,$(APPS))) \
     $(addprefix $(B)/,$(HOSTED)) $(B)/bench_peers

$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) -c -o $@ $<
$(B)/guest/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST) -c -o $@ $<
$(B)/guest/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST) -c -o $@ $<

$(B)/libivlab.a: $(call host,$(LIB_C))
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/libguest.a: $(call guest,$(GLIB_C) $(GLIB_S))
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/ivlab: $(call host,vmm/main.c) $(B)/libivlab.a
	$(Q)$(CC) $(HOST) -o $@ $^ $(LIBS)
	@echo "built $@"
$(B)/host_%: $(call host,producer-consumer/host_%.c $(WORK_C)) $(B)/libivlab.a
	$(Q)$(CC) $(HOST) -o $@ $^ $(LIBS)

# Bare guests: the application, the runtime, one linker script.
LINK_GUEST = $(Q)mkdir -p $(@D) && $(CC) $(GUEST) -nostdlib -static \
	-Wl,--build-id=none,--no-warn-rwx-segments,-z,noexecstack,-z,max-page-size=4096 \
	-T guests/runtime/guest.ld \
	-o $@ $(filter %.o,$^) -Wl,--whole-archive $(B)/libguest.a
$(B)/guests/%.elf: $(B)/guest/guests/apps/%.o $(B)/libguest.a guests/runtime/guest.ld
	$(LINK_GUEST)
$(B)/guests/test_%.elf: $(B)/guest/tests/guest/%.o $(call guest,$(WORK_C)) $(B)/libguest.a guests/runtime/guest.ld
	$(LINK_GUEST)
$(B)/guests/%.elf: $(B)/guest/producer-consumer/guest_%.o \
		$(call guest,$(WORK_C)) $(B)/libguest.a guests/runtime/guest.ld
	$(LINK_GUEST)

# Flat images for the classic ABIs. A source's line "/* flat: BITS BASE LIMIT */"
# says what it is compiled for, where it is linked and where it has to end. The
# warning is about a header of the 64-bit runtime, whose string.c they share.
FLAT_DIR := guests/apps/classic
FLAT   := $(WARN) -Os -g -I. -MMD -MP -ffreestanding -fno-stack-protector \
          -fno-pic -no-pie -mno-red-zone -mgeneral-regs-only \
          -fno-asynchronous-unwind-tables -Wno-int-to-pointer-cast
FLAT_IMAGES := $(shell awk '/^\/\* flat: / { OFS = ":"; \
               print FILENAME, $$3, $$4, $$5 }' $(wildcard $(FLAT_DIR)/*.[cS] \
               tests/guest/*.S) </dev/null)
flat     = $(addprefix $(B)/flat$(1)/,$(addsuffix .o,$(basename $(2))))
define flat_bits
$(B)/flat$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m$(1) $$(FLAT) -c -o $$@ $$<
$(B)/flat$(1)/%.o: %.S
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m$(1) $$(FLAT) -c -o $$@ $$<
$(B)/libflat$(1).a: $(call flat,$(1),guests/runtime/string.c \
		$(wildcard $(FLAT_DIR)/lib/*.c $(FLAT_DIR)/lib/$(1)/*.[cS] \
		$(if $(filter-out 16,$(1)),$(FLAT_DIR)/lib/protected/*.c)))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach bits,16 32 64,$(eval $(call flat_bits,$(bits))))
# $(1): source, $(2): bits, $(3): base, $(4): limit
define flat_image
all: $(B)/guests/classic/$(basename $(notdir $(1))).bin
$(B)/guests/classic/$(basename $(notdir $(1))).bin: $(call flat,$(2),$(1)) \
		$(B)/libflat$(2).a $(FLAT_DIR)/flat.ld
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m$(2) $$(FLAT) -nostdlib -static -T $(FLAT_DIR)/flat.ld \
		-Wl,--defsym=flat_base=$(3),--defsym=flat_limit=$(4) \
		-Wl,--build-id=none,--no-warn-rwx-segments,-z,noexecstack \
		-o $$(<:.o=.elf) $$(filter %.o %.a,$$^)
	$$(Q)objcopy -O binary $$(<:.o=.elf) $$@
endef
$(foreach image,$(FLAT_IMAGES),$(eval $(call \
	flat_image,$(word 1,$(subst :, ,$(image))),$(word 2,$(subst :, ,$(image))),$(word \
	3,$(subst :, ,$(image))),$(word 4,$(subst :, ,$(image))))))

# The guest's end of the benchmark runs the same loops as the host's.
$(B)/guests/bench.elf: $(call guest,producer-consumer/bench/ours_spsc.c)

# --- bench_peers: each peer is compiled in when its headers are there --------
BENCH_SYSTEM := /usr/include /usr/local/include
found    = $(if $(SAN),,$(wildcard $(addsuffix /$(1),$(BENCH_SYSTEM))))
found_cc = $(if $(call found,$(1)),$(shell command -v $(CXX)))
BENCH_WITH := $(if $(call found,dpdk/rte_ring_peek_zc.h),DPDK) \
	$(if $(call found,ck_ring.h),CK) \
	$(if $(call found_cc,boost/lockfree/spsc_queue.hpp),BOOST) \
	$(if $(and $(call found_cc,concurrentqueue/concurrentqueue.h),$(call \
	found_cc,readerwriterqueue/readerwriterqueue.h)),MOODYCAMEL)
BENCH_C  := $(wildcard producer-consumer/bench/*.c)
BENCH_CC := $(if $(filter BOOST,$(BENCH_WITH)),producer-consumer/bench/peer_boost.cc) \
	$(if $(filter MOODYCAMEL,$(BENCH_WITH)),producer-consumer/bench/peer_moodycamel.cc)
BENCH_LIBS := -ljansson \
	$(if $(filter DPDK,$(BENCH_WITH)),-lrte_ring -lrte_eal) \
	$(if $(strip $(BENCH_CC)),-lstdc++)
BENCH_DEF := $(addprefix -DBENCH_WITH_,$(BENCH_WITH))
# The warning is gcc 12's about moodycamel's header, inlined here.
BENCH_CXX = $(filter-out -std=% -Wstrict-prototypes -Wmissing-prototypes,$(HOST)) \
	-std=gnu++17 -Wno-stringop-overflow
# DPDK's headers want their configuration first, and SSE4.
peer_dpdk_FLAGS := $(if $(filter DPDK,$(BENCH_WITH)),-include rte_config.h \
	-march=corei7 -isystem /usr/include/dpdk \
	-isystem /usr/include/$(shell $(CC) -print-multiarch)/dpdk)

# Written anew only when a peer came or went.
$(B)/bench_with: FORCE
	@mkdir -p $(@D)
	@echo '$(BENCH_DEF)' | cmp -s - $@ || echo '$(BENCH_DEF)' >$@
FORCE:
# $(1): the build's name, $(2): its program, $(3): its own flags
define bench_build
$(B)/bench_$(1)/%.o: %.c $(B)/bench_with
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST) $(3) $$(BENCH_DEF) -DBENCH_BUILD='"$(1)"' \
		-DBENCH_FLAGS='"-O2 -mprfchw $(3)"' $$($$(*F)_FLAGS) -c -o $$@ $$<
$(B)/bench_$(1)/%.o: %.cc $(B)/bench_with
	@mkdir -p $$(@D)
	$$(Q)$$(CXX) $$(BENCH_CXX) $(3) $$(BENCH_DEF) -c -o $$@ $$<
# The ring once more, without its checks: a header's business.
$(B)/bench_$(1)/trusting/%.o: %.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST) $(3) -DSHM_TRUSTING -DOURS_TRUSTING -c -o $$@ $$<
$(B)/$(2): $(addprefix $(B)/bench_$(1)/,$(BENCH_C:.c=.o) $(BENCH_CC:.cc=.o) \
		$(SHM_C:.c=.o) trusting/producer-consumer/bench/ours_spsc.o)
	$$(Q)$$(CC) $$(HOST) -o $$@ $$^ $$(BENCH_LIBS)
endef
$(eval $(call bench_build,plain,bench_peers,))
$(eval $(call bench_build,aligned,bench_peers_aligned,-falign-functions=64 -falign-loops=32))

# A unit test is one program; `/* fakes: NAME */` on its first lines links
# tests/fakes/NAME.c in place of the real object.
fakes  = $(shell sed -n 's,^/\* fakes: \(.*\) \*/,\1,p' tests/$(1).c)
.SECONDEXPANSION:
$(B)/unit/%: $(B)/host/tests/unit/%.o $(call host,tests/unit/harness.c) \
		$$(foreach f,$$(call fakes,unit/$$*),$(B)/host/tests/fakes/$$f.o) \
		$(call host,$(WORK_C)) $(B)/libivlab.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) -o $@ $^ $(LIBS) -lcunit
$(B)/stress/%: $(call host,tests/stress/%.c $(WORK_C)) $(B)/libivlab.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) -o $@ $^ $(LIBS)
$(B)/system/%: $(call host,tests/system/%.c) $(B)/libivlab.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) -o $@ $^ $(LIBS)
# Fuzz targets, and shm/ for them, are compiled with ambush.h in front. With
# libFuzzer's instrumentation they get its main(), else the one of replay.c.
ambush  = $(addprefix $(B)/ambush/,$(1:.c=.o))
$(B)/ambush/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) -include tests/fuzz/ambush.h -c -o $@ $<
$(B)/fuzz/%: $(call ambush,tests/fuzz/%.c $(SHM_C)) \
		$(if $(FUZZER),,$(call host,tests/fuzz/replay.c)) \
		$$(foreach f,$$(call fakes,fuzz/$$*),$(B)/host/tests/fakes/$$f.o) \
		$(B)/libivlab.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST) $(if $(FUZZER),-fsanitize=fuzzer) -o $@ $^ $(LIBS)

TESTS := $(addprefix $(B)/unit/,$(UNIT)) $(addprefix $(B)/stress/,$(STRESS)) \
         $(addprefix $(B)/system/,$(PEERS)) $(addprefix $(B)/fuzz/,$(FUZZED))
tests: all $(TESTS)

# --- what people do ---------------------------------------------------------
SUB    = --no-print-directory $(if $(V),,-s)
usable = $(B)/ivlab doctor >/dev/null 2>&1
# Recursive so that the build sees what deps has just installed.
deps:
	@tests/check/install-deps $(DEPS)
run:
	@$(MAKE) $(SUB) deps DEPS=build
	@$(MAKE) $(SUB) all
	@if $(usable); then $(B)/ivlab run producer-consumer/demo.lab; \
	else tests/nested/demo $(B); fi
demo-files:
	@$(MAKE) $(SUB) deps DEPS=build
	@$(MAKE) $(SUB) all
	@if $(usable); then guests/apps/files_demo.sh $(B); \
	else tests/nested/demo $(B) files; fi
test:
	@$(MAKE) $(SUB) deps DEPS="build test"
	@$(MAKE) $(SUB) tests
	@tests/run --build $(B) $(if $(T),--only '$(T)')
test-nested:
	@$(MAKE) $(SUB) deps DEPS="build test nested"
	@$(MAKE) $(SUB) all $(addprefix $(B)/system/,$(PEERS))
	@tests/nested/run --build $(B) $(if $(T),--only '$(T)')
bench:
	@$(MAKE) $(SUB) deps DEPS="build bench"
	@$(MAKE) $(SUB) all $(if $(filter 2,$(BUILDS)),$(B)/bench_peers_aligned)
	@$(B)/ivlab bench peers
	$(if $(filter 2,$(BUILDS)),@$(B)/ivlab bench peers --build aligned)
fuzzers: $(addprefix $(B)/fuzz/,$(FUZZED))
fuzz:
	@$(MAKE) $(SUB) deps DEPS="build fuzz"
	@$(MAKE) $(SUB) B=build/fuzz CC=clang \
		SAN=address,undefined,fuzzer-no-link fuzzers
	@tests/fuzz/run --build build/fuzz --seconds $(FUZZ_SECONDS) \
		$(if $(FUZZ),--only '$(FUZZ)')
model:
	@$(MAKE) $(SUB) deps DEPS="build test"
	@tests/model/run
check:
	@$(MAKE) $(SUB) deps DEPS="build test check"
	@$(MAKE) $(SUB) tests
	@tests/check/run $(B)
fmt:
	@git ls-files '*.c' '*.h' | xargs clang-format -i
install: all
	install -D -m 755 $(B)/ivlab $(DESTDIR)$(PREFIX)/bin/ivlab
	install -d $(DESTDIR)$(PREFIX)/lib/ivlab/guests
	install -m 644 $(B)/guests/*.elf $(DESTDIR)$(PREFIX)/lib/ivlab/guests/
	install -d $(DESTDIR)$(PREFIX)/lib/ivlab/guests/classic
	install -m 644 $(B)/guests/classic/*.bin $(DESTDIR)$(PREFIX)/lib/ivlab/guests/classic/
	install -m 755 $(addprefix $(B)/,$(HOSTED) bench_peers) $(DESTDIR)$(PREFIX)/lib/ivlab/
	install -D -m 644 docs/ivlab.1 $(DESTDIR)$(PREFIX)/share/man/man1/ivlab.1
clean:
	rm -rf build
debug:
	@$(MAKE) $(SUB) B=build/debug OPT="-O0 -g3" all
	@echo "now: gdb --args build/debug/ivlab ..."
structure:
	@sed -nE 's/`//g; s/^\| \[([^]]+)\]\([^)]+\) \| (.*) \|$$/\1\t\2/p' \
		README.md | expand -t 20
version:
	@echo $(VERSION)
help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

-include $(shell find $(B) -name '*.d' 2>/dev/null)
