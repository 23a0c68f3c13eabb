# lossd: build, run, test.  `make help` lists the targets.
#
# Everything built goes under build/MODE/, with MODE one of release, debug, asan, tsan, or fuzz, which
# `make fuzz` sets; build/lossd is the release daemon.  Nothing else in the tree is written to.

MODE    ?= release
MODES   := release debug asan tsan fuzz
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE is '$(MODE)', but must be one of: $(MODES))
endif

VERSION  := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
B        := build/$(MODE)

# ---- packages ----------------------------------------------------------------------------------
# All that is ever installed, by Debian's names, in this one place.
PACKAGES_BUILD := gcc libc6-dev pkg-config libmicrohttpd-dev libgnutls28-dev libjansson-dev libuv1-dev zlib1g-dev \
                  libseccomp-dev
PACKAGES_RUN   := $(PACKAGES_BUILD) curl ca-certificates
PACKAGES_CHECK := $(PACKAGES_RUN) libcmocka-dev libcurl4-openssl-dev python3 python3-yaml util-linux mandoc nodejs
PACKAGES_LINT  := clang clang-format clang-tidy
PACKAGES_IMAGE := mmdebstrap
PACKAGES_PAGE  := chromium chromium-driver python3-selenium
PACKAGES_PROXIES := haproxy nginx
PACKAGES_DEB   := $(PACKAGES_BUILD) debhelper lintian mmdebstrap
PACKAGES_CONFORMANCE := python3-venv
PACKAGES_EXAMPLES := python3 curl nodejs
PACKAGES_BITS  := gcc clang
PACKAGES_FUZZ  := $(PACKAGES_BUILD) clang libclang-rt-dev
PACKAGES_AARCH64 := gcc-aarch64-linux-gnu qemu-user
PACKAGES_BENCH := g++ libsimdjson-dev

# ---- flags -------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wswitch-enum -Wvla
# Limits, which are constants of an enum, meet doubles: clang 19 would have each cast.
WARNINGS += $(if $(findstring clang,$(CC)),-Wno-enum-float-conversion)
WERROR   ?=
HARDENED := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
SANITIZE_ADDRESS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

FLAGS_release := -O2 -g $(HARDENED)
FLAGS_debug   := -Og -g3
FLAGS_asan    := -O1 -g $(SANITIZE_ADDRESS)
FLAGS_tsan    := -O1 -g -fsanitize=thread
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link $(SANITIZE_ADDRESS)
LINK_release  := -pie -Wl,-z,relro,-z,now
FLAGS_KERNELS := $(if $(filter release,$(MODE)),-O3)

# Asserts stay on in every mode.  No contraction: a fused multiply-add would change last bits.
CFLAGS   ?=
LDFLAGS  ?=
override CPPFLAGS += -Iinclude -Isrc -D_GNU_SOURCE
COMPILE  := -std=c11 -ffp-contract=off $(WARNINGS) $(WERROR) $(FLAGS_$(MODE)) $(CFLAGS) -MMD -MP
LINK     := $(FLAGS_$(MODE)) $(CFLAGS) $(LINK_$(MODE)) $(LDFLAGS)
LIBS     := -lmicrohttpd -lgnutls -ljansson -luv -lz -lseccomp -lpthread -lm

# Commands are shown by what they make; V=1 shows them whole.
V    ?=
SHOW  = $(if $(V),,@echo "  $(1) $@";)

# ---- what is built from what -------------------------------------------------------------------
room      = $(patsubst %.c,$(B)/%.o,$(filter-out $(KERNEL_SOURCES),$(wildcard src/$(1)/*.c)))
KERNEL_SOURCES := $(addprefix src/kernels/,scan.c scan_rows.c write.c totals.c gradient.c measure.c labels.c table.c)
# One source, compiled for each type and level: build/MODE/src/kernels/scan.float32.v3.o
ARCH     := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
LEVELS   := $(if $(filter x86_64,$(ARCH)),v2 v3 v4,native)
KERNELS  := $(foreach s,$(KERNEL_SOURCES:%.c=%),$(foreach l,$(LEVELS),$(B)/$s.float32.$l.o $(B)/$s.float64.$l.o))
# To look at a kernel's file without building it.
KERNEL_ALONE := -DREAL=float -DREAL_BYTES=4 -DTYPE=float32 -DLEVEL=v2 -DVECTOR_BYTES=16
LEVEL_v2     := -march=x86-64-v2 -DVECTOR_BYTES=16
LEVEL_v3     := -march=x86-64-v3 -DVECTOR_BYTES=32
LEVEL_v4     := -march=x86-64-v4 -mprefer-vector-width=512 -DVECTOR_BYTES=64
LEVEL_native := -DVECTOR_BYTES=16
TYPE_float32 := -DREAL=float -DREAL_BYTES=4
TYPE_float64 := -DREAL=double -DREAL_BYTES=8
LIBLOSS  := $(call room,evaluate) $(call room,kernels) $(KERNELS)
EMBEDDED := src/server/openapi.json $(filter-out %.c %.h,$(wildcard src/page/*))
PARTS    := $(call room,codec) $(call room,server) $(call room,observe) $(call room,page) $(EMBEDDED:%=$(B)/%.o)
MAIN     := $(patsubst %.c,$(B)/%.o,$(wildcard src/*.c))
SUPPORT  := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c))
UNIT     := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
HTTP     := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/http/test_*.c tests/faults/test_*.c))
FUZZ     := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
HEADERS  := $(wildcard include/loss/*.h src/*.h src/*/*.h tests/support/*.h tests/fuzz/*.h tests/torture/*.h)
SOURCES  := $(wildcard src/*.c src/*/*.c tests/*/*.c)

MAKEFLAGS += --no-print-directory
export PYTHONPATH := $(CURDIR)/tests/support
export PYTHONDONTWRITEBYTECODE := 1
# Whatever has neither a slash nor a dot is no file.
.PHONY: $(shell sed -n 's/^\([a-z][a-z0-9-]*\):.*/\1/p' Makefile)
.DELETE_ON_ERROR:
.SECONDARY:

all: build/lossd $(B)/libloss.a ## build build/lossd and libloss.a (the default)

build/lossd: build/release/lossd
	@ln -sf release/lossd $@
ifneq ($(MODE),release)
build/release/lossd build/release/libloss.a build/release/installed/libloss.a: FORCE
	@$(MAKE) MODE=release $@
endif

$(B)/lossd: $(MAIN) $(B)/parts.a $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ $(LIBS)

$(B)/libloss.a: $(LIBLOSS)
$(B)/parts.a: $(PARTS)
$(B)/%.a: $(B)/sources.stamp
	$(call SHOW,ar  )rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# The library as it is installed: one object, in which only what begins with loss_ can be seen.
OBJCOPY ?= objcopy
$(B)/installed/libloss.a: $(B)/installed/libloss.o
$(B)/installed/libloss.o: $(LIBLOSS) $(B)/sources.stamp
	@mkdir -p $(@D)
	$(call SHOW,join)$(CC) $(CFLAGS) -r -nostdlib -o $@ $(LIBLOSS) && \
	    $(OBJCOPY) --wildcard --keep-global-symbol='loss_*' $@

# What everything depends on beside its files: how it is compiled, and which files there are.
remember = mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' > $@
HOW := $(CC) $(CPPFLAGS) $(COMPILE) $(FLAGS_KERNELS) $(LINK)
$(B)/flags.stamp: FORCE
	@$(call remember,$(HOW))
$(B)/sources.stamp: FORCE
	@$(call remember,$(MAIN) $(PARTS) $(LIBLOSS))

$(B)/%.o: %.c Makefile $(B)/flags.stamp
	@mkdir -p $(@D)
	$(call SHOW,cc  )$(CC) $(CPPFLAGS) $(COMPILE) -c -o $@ $<

# $(1) type, $(2) level
define kernel_rule
$$(B)/src/kernels/%.$(1).$(2).o: src/kernels/%.c Makefile $$(B)/flags.stamp
	@mkdir -p $$(@D)
	$$(call SHOW,cc  )$$(CC) $$(CPPFLAGS) $$(COMPILE) $$(FLAGS_KERNELS) $$(LEVEL_$(2)) $$(TYPE_$(1)) \
	    -DTYPE=$(1) -DLEVEL=$(2) -c -o $$@ $$<
endef
$(foreach t,float32 float64,$(foreach l,$(LEVELS),$(eval $(call kernel_rule,$t,$l))))

# The version is in one object alone, and that one is remade when it changes.
$(B)/src/version.o: override CPPFLAGS += -DLOSSD_VERSION='"$(VERSION)"' -DLOSSD_REVISION='"$(REVISION)"'
$(B)/src/version.o: build/version.stamp
build/version.stamp: FORCE
	@$(call remember,$(VERSION) $(REVISION))
.PHONY: FORCE

# Files as arrays, style.css as embedded_style_css: what reads them is in every Debian, and all that the
# compiler sees is C.
$(EMBEDDED:%=$(B)/%.o): %.o: %.c $(B)/flags.stamp
	$(call SHOW,cc  )$(CC) $(CPPFLAGS) $(COMPILE) -c -o $@ $<
$(EMBEDDED:%=$(B)/%.c): $(B)/%.c: % Makefile
	@mkdir -p $(@D)
	$(call SHOW,make){ printf '#include "page/embedded.h"\n\nstatic const unsigned char bytes[] = {\n' && \
	    od -An -v -tu1 $< | sed 's/  *\([0-9][0-9]*\)/\1,/g' && \
	    printf '};\nconst struct embedded embedded_%s = {bytes, sizeof bytes, "W/\\"%s\\""};\n' \
	        $(subst .,_,$(notdir $<)) $$(sha256sum < $< | cut -c 1-16); } > $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- packages and running ----------------------------------------------------------------------
# Install what is missing of $(1), if anything is; as root, or by sudo.
define install_packages
@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then \
    echo "installing:" $$missing; \
    [ "$$(id -u)" = 0 ] && as_root= || as_root=sudo; \
    $$as_root apt-get update -qq && \
    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef

deps-build: # what compiling alone needs; for the image
	$(call install_packages,$(PACKAGES_BUILD))
deps: ## install the Debian packages that building and running need, if they are missing
	$(call install_packages,$(PACKAGES_RUN))
# What would start a server where it is installed is only unpacked: the program $(2) of the first package
# that there is of $(1).
define unpack_program
@PATH="$$PATH:/usr/sbin" command -v $(notdir $(2)) >/dev/null || test -x build/tools/$(notdir $(2)) || { \
    rm -rf build/tools/unpacked && mkdir -p build/tools/unpacked && cd build/tools/unpacked && \
    for p in $(1); do apt-get download -qq $$p 2>/dev/null && break; done; \
    test -e *.deb || { echo "none of these can be downloaded: $(1); is there a network, and has apt-get update been run?"; exit 1; }; \
    dpkg-deb --fsys-tarfile *.deb | tar -xO .$(2) > ../$(notdir $(2)) && chmod +x ../$(notdir $(2)); }
endef

deps-check: ## and those of the tests
	$(call install_packages,$(PACKAGES_CHECK))
	$(call unpack_program,promtool prometheus,/usr/bin/promtool)
deps-proxies: ## and those of `make check-proxies`
	$(call install_packages,$(PACKAGES_PROXIES_LIBRARIES))
	$(call unpack_program,haproxy,/usr/sbin/haproxy)
	$(call unpack_program,nginx,/usr/sbin/nginx)
PACKAGES_PROXIES_LIBRARIES = $(shell apt-cache depends --important $(PACKAGES_PROXIES) | sed -n 's/^ *Depends: \(lib[a-z0-9.+-]*\)$$/\1/p' | sort -u)
deps-lint: ## and those of `make lint` and `make format`
	$(call install_packages,$(PACKAGES_LINT))
deps-conformance: # and what `make conformance` and `make schemathesis` make their virtual environment with
	$(call install_packages,$(PACKAGES_CONFORMANCE))
deps-examples: # and what `make check-examples` runs programs with
	$(call install_packages,$(PACKAGES_EXAMPLES))
deps-image: ## and those of `make image`
	$(call install_packages,$(PACKAGES_IMAGE))
deps-page: ## and those of `make check-page`
	$(call install_packages,$(PACKAGES_PAGE))
deps-deb: ## and those of `make deb` and `make check-deb`
	$(call install_packages,$(PACKAGES_DEB))
deps-bits: ## and those of `make check-bits`
	$(call install_packages,$(PACKAGES_BITS))
deps-fuzz: ## and those of `make fuzz`
	$(call install_packages,$(PACKAGES_FUZZ))
deps-aarch64: ## and those of `make check-aarch64`
	$(call install_packages,$(PACKAGES_AARCH64))
deps-bench: ## and those of `make bench-json` and `make sweep-float32`
	$(call install_packages,$(PACKAGES_BENCH))

run: deps ## install what is missing, build, and serve on 127.0.0.1:8080
	@$(MAKE) build/lossd
	@exec build/lossd $(ARGS)

# ---- tests -------------------------------------------------------------------------------------
TEST_LIBS := -lcmocka -lcurl $(LIBS)

$(B)/tests/%.o: override CPPFLAGS += -Itests
$(UNIT) $(HTTP): $(B)/tests/%: $(B)/tests/%.o $(SUPPORT) $(B)/src/version.o $(B)/parts.a $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $(filter-out %.so,$^) $(TEST_LIBS)

# Not of SUPPORT, for it would be every test's clock.
$(B)/tests/unit/test_loop $(B)/tests/unit/test_turns: $(B)/tests/unit/own_time.o

# Libraries that are preloaded into the daemon.
$(B)/tests/%.so: tests/%.c Makefile $(B)/flags.stamp
	@mkdir -p $(@D)
	$(call SHOW,link)$(CC) $(CPPFLAGS) -Itests -std=c11 $(WARNINGS) $(WERROR) -O2 -g -fPIC -shared $(CFLAGS) -MMD -MP -o $@ $< -ldl -lm
$(B)/tests/faults/test_machine: $(B)/tests/faults/skew.so
$(B)/tests/faults/test_machine.o: override CPPFLAGS += -DSKEW='"$(B)/tests/faults/skew.so"'

# libloss needs nothing but libm: this link is the proof.
$(B)/tests/unit/example_libloss: $(B)/tests/unit/example_libloss.o $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lm

# A fuzz target has libFuzzer's main, or in the other modes one that replays files.
FUZZ_SHARED    := $(addprefix $(B)/tests/fuzz/,answers.o heads.o) $(B)/tests/support/source.o \
                  $(if $(filter fuzz,$(MODE)),,$(B)/tests/fuzz/replay.o)
LINK_FUZZ_fuzz := -fsanitize=fuzzer
$(FUZZ): $(B)/tests/%: $(B)/tests/%.o $(FUZZ_SHARED) $(B)/src/version.o $(B)/parts.a $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) $(LINK_FUZZ_$(MODE)) -o $@ $^ $(LIBS)

tests: $(UNIT) $(HTTP) $(FUZZ) $(B)/lossd $(B)/tests/unit/example_libloss ## build the tests of MODE

# Each test program is given the daemon of its own mode.
RUN_TEST = echo "== $(notdir $(B)) $$(basename $$t)"; LOSSD=$(B)/lossd $(TEST_WRAPPER) $$t $(1) || exit 1
ifeq ($(MODE),asan)
# gcc 13 and 14 misalign 64-byte vectors in the frames that this check makes (gcc bug 110027).
TEST_WRAPPER := env ASAN_OPTIONS=detect_stack_use_after_return=0
endif
ifeq ($(MODE),tsan)
# ThreadSanitizer wants addresses where they used to be; containers may forbid to ask for that.
TEST_WRAPPER := $(shell setarch $$(uname -m) -R true 2>/dev/null && echo setarch $$(uname -m) -R)
endif

check-unit: tests
	@for t in $(filter-out $(SKIPPED),$(UNIT)); do $(RUN_TEST); done
	@$(TEST_WRAPPER) $(B)/tests/unit/example_libloss | grep -q '0.000189631437312401'
check-fuzz: tests
	@for t in $(FUZZ); do $(call RUN_TEST,tests/fuzz/corpus/$${t##*fuzz_}); done
check-http: tests
	@for t in $(HTTP); do $(RUN_TEST); done
# What has threads: the daemon under all its HTTP tests, and the units that start some.
THREADED = $(filter $(patsubst tests/%.c,$(B)/tests/%,$(shell grep -lE '$(STARTS)' tests/unit/test_*.c)),$(UNIT))
STARTS  := pthread_create|tasks_start|lone_service_start
check-threads: tests
	@for t in $(THREADED) $(HTTP); do $(RUN_TEST); done

check-readme: build/lossd ## run the examples of README.md and compare their output
	@python3 tests/readme/check_readme.py build/release/lossd
check-units: build/lossd ## hold the units of systemd against its checks, if it is installed
	@sh tests/systemd/check_units.sh build/release/lossd
PROMTOOL = $(shell command -v promtool || echo build/tools/promtool)
check-prometheus: build/lossd ## test the alert rules, and that they and the dashboard use metrics that there are
	@$(PROMTOOL) check config config/prometheus.yaml
	@$(PROMTOOL) test rules tests/prometheus/rules.yaml
	@python3 tests/prometheus/check_names.py build/lossd $(PROMTOOL)
check-manifests: build/lossd ## hold the manifests for Kubernetes and Docker against the daemon's settings and routes
	@python3 tests/kubernetes/check_manifests.py build/lossd
check-proxies: deps-proxies build/lossd ## replace replicas behind HAProxy under load; hide requests in others, through HAProxy and nginx
	@python3 tests/proxies/check_smuggling.py build/lossd
	@python3 tests/proxies/check_rolling.py build/lossd
check-layers: ## hold every include against tests/layers/rooms.txt
	@python3 tests/layers/check_includes.py
# Where the build is, because Node.js 18 takes .js for modules only beside a package.json that says so.
check-page-units: ## hold what the web page's modules compute against known values
	@mkdir -p $(B)/src/page $(B)/tests/page
	@cp src/page/*.js $(B)/src/page && cp tests/page/units.mjs $(B)/tests/page
	@echo '{"type": "module"}' > $(B)/package.json
	@node $(B)/tests/page/units.mjs
check-faults: ## hold the list of faults against the tests that show them
	@python3 tests/faults/check_rows.py
check-headers: # each header compiles alone
	@for h in $(HEADERS); do \
	    case $$h in *real64.h) alone="$(subst $(TYPE_float32),$(TYPE_float64),$(KERNEL_ALONE))";; *) alone="$(KERNEL_ALONE)";; esac; \
	    $(CC) $(CPPFLAGS) -Itests -std=c11 $(WARNINGS) -Werror $$alone -fsyntax-only -x c $$h || exit 1; done
	@echo "headers: each compiles alone"

check: deps-check ## install what is missing, build, and run every test (plain, ASan+UBSan, TSan)
	@$(MAKE) check-layers check-headers check-faults check-page-units
	@$(MAKE) -j$(JOBS) MODE=release all tests benches
	@$(MAKE) MODE=release check-unit check-fuzz check-http
	@$(MAKE) MODE=release torture POINTS=25
	@$(MAKE) check-readme check-units check-manual check-install check-prometheus check-manifests
	@$(MAKE) -j$(JOBS) MODE=asan tests
	@$(MAKE) MODE=asan check-unit check-fuzz check-http
	@$(MAKE) -j$(JOBS) MODE=tsan tests
	@$(MAKE) MODE=tsan check-threads
	@echo "make check: all passed"
JOBS := $(shell nproc 2>/dev/null || echo 2)

# Every call of the daemon's that may fail, fails: all of them, or POINTS of them, evenly spread.  Not with
# sanitizers, which have a heap of their own.
TORTURE := $(addprefix $(B)/tests/torture/,fail.so torture)
$(B)/tests/torture/torture: $(addprefix $(B)/tests/torture/,torture.o judge.o script.o) $(SUPPORT) $(B)/src/version.o $(B)/parts.a $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ $(TEST_LIBS)
torture: $(TORTURE) $(B)/lossd ## let every call of the daemon fail, alone and with all after it: takes minutes
	@LOSSD=$(B)/lossd $(B)/tests/torture/torture $(firstword $(TORTURE)) $(POINTS)

# At least a minute; at night, hours.
SOAK_SECONDS ?= 1800
soak: build/lossd ## good and bad traffic for SOAK_SECONDS (1800), and whether memory or descriptors grow
	@python3 tests/soak/soak.py build/release/lossd $(SOAK_SECONDS)

# Not part of `check`: a browser is large.  The Python is Debian's, which has Debian's Selenium.
check-page: deps-page build/lossd ## use the web page in a headless Chromium; pictures of it go to build/page
	@/usr/bin/python3 -B tests/page/check_page.py build/release/lossd build/page

# Nor is this: PyTorch is large, and not from Debian.
VENV ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lossd/venv
conformance: build/lossd ## compare with PyTorch on its own test samples, then call it with real clients; installs them in VENV, outside of the tree
	@sh tests/conformance/run.sh '$(VENV)' build/release/lossd

check-examples: deps-examples build/lossd ## run tests/examples, those in Python with the VENV of `make conformance`
	@python3 tests/examples/check_examples.py build/lossd '$(VENV)'

# CASES=7000 makes more than 20,000 requests, in half an hour or so; another SEED, others.
CASES ?= 200
SEED  ?= 1
schemathesis: build/lossd ## hold the daemon against its /openapi.json, by CASES random requests for each way to evaluate
	@sh tests/conformance/run_openapi.sh '$(VENV)' build/release/lossd $(CASES) --seed $(SEED)

# ---- fuzzing -----------------------------------------------------------------------------------
# Each target on a copy of its seeds; what it finds new stays there for the next run.  The seeds
# themselves are tests/fuzz/corpus/NAME, which `check` replays.
FUZZ_SECONDS ?= 60
FUZZ_NAMES   ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz-targets: $(FUZZ)
fuzz: deps-fuzz ## fuzz every decoder for FUZZ_SECONDS (60) each, or those of FUZZ_NAMES
	@$(MAKE) -j$(JOBS) MODE=fuzz CC=clang fuzz-targets
	@sh tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)

# ---- other compilers and processors ------------------------------------------------------------
$(B)/tests/unit/digest: $(B)/tests/unit/digest.o $(B)/tests/support/numbers.o $(B)/tests/support/wants.o $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lm

# A compiler and its optimization, of the kernels too.
BITS_BUILDS := gcc-O2 gcc-O3 clang-O2 clang-O3
check-bits: deps-bits ## compare the bits of gcc and clang, at -O2 and at -O3
	@for b in $(BITS_BUILDS); do d=build/bits-$$b; \
	    $(MAKE) -j$(JOBS) MODE=release B=$$d CC=$${b%-*} CFLAGS=-$${b##*-} FLAGS_KERNELS= $$d/tests/unit/digest && \
	    $$d/tests/unit/digest > $$d.txt && diff -u build/bits-$(firstword $(BITS_BUILDS)).txt $$d.txt || exit 1; done
	@echo "bits: $(BITS_BUILDS) give the same"

# Debian's libraries for aarch64 are only unpacked, by this machine's own apt with a state apart: so the
# machine itself learns of no other architecture.  Absolute links are made to stay among them.
AARCH64_ROOT  := build/aarch64-root
AARCH64_STATE := $(CURDIR)/build/aarch64-apt
AARCH64_APT   := apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State=$(AARCH64_STATE) \
                 -o Dir::State::status=$(AARCH64_STATE)/status -o Dir::Cache=$(AARCH64_STATE)
$(AARCH64_ROOT)/complete: Makefile
	@rm -rf $(@D) $(AARCH64_STATE) && mkdir -p $(@D)/usr/lib $(AARCH64_STATE) && ln -s usr/lib $(@D)/lib
	@cd $(AARCH64_STATE) && mkdir -p lists/partial archives/partial && : > status
	@$(AARCH64_APT) update
	@$(AARCH64_APT) install --download-only --no-install-recommends -y $(filter %-dev,$(PACKAGES_CHECK))
	@for p in $(AARCH64_STATE)/archives/*.deb; do \
	    dpkg-deb --fsys-tarfile $$p | tar -x --keep-directory-symlink -C $(@D) || exit 1; done
	@find $(@D) -lname '/*' -exec sh -c 'ln -sfn "$(CURDIR)/$(@D)$$(readlink "$$0")" "$$0"' {} \;
	@touch $@

# All unit tests but test_metrics: the emulator makes up most of /proc/self/stat.
AARCH64_RUN   := qemu-aarch64 -L $(AARCH64_ROOT)
AARCH64_BUILD := MODE=release B=build/aarch64 CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar \
                 CFLAGS=--sysroot=$(CURDIR)/$(AARCH64_ROOT) TEST_WRAPPER="$(AARCH64_RUN)" SKIPPED=%/test_metrics
check-aarch64: deps-aarch64 ## build for aarch64, emulate the unit tests, compare the bits with this machine's
	@$(MAKE) -j$(JOBS) MODE=release $(AARCH64_ROOT)/complete build/lossd build/release/tests/unit/digest
	@$(MAKE) -j$(JOBS) $(AARCH64_BUILD) tests build/aarch64/tests/unit/digest
	@$(MAKE) $(AARCH64_BUILD) check-unit check-fuzz
	@build/release/tests/unit/digest > build/release/digest.txt
	@$(AARCH64_RUN) build/aarch64/tests/unit/digest | diff -u build/release/digest.txt -
	@build/lossd evaluate tests/data/digits.json > build/release/digits.txt
	@$(AARCH64_RUN) build/aarch64/lossd evaluate tests/data/digits.json | diff -u build/release/digits.txt -
	@echo "aarch64: all passed, with the same bits"

# ---- measurements ------------------------------------------------------------------------------
BENCH := $(addprefix $(B)/tests/bench/bench_,daemon.o requests.o client.o servers.o epoll.o http.o table.o report.o) \
         $(B)/tests/support/daemon.o $(addprefix $(B)/src/server/,loop.o turns.o)
bench: deps-build ## lossd end to end beside bare servers, in 4 minutes: BENCH_SECONDS=0.5 for each figure
	@$(MAKE) MODE=release build/lossd build/release/tests/bench/bench_daemon
	@LOSSD=build/release/lossd build/release/tests/bench/bench_daemon
$(B)/tests/bench/bench_daemon: $(BENCH)
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lmicrohttpd -luv -lpthread

# So that they compile when they are wanted; those in C++ want packages of their own.
benches: $(addprefix $(B)/tests/bench/,bench_daemon bench_kernels accuracy sweep overload)

PYTHON ?= python3
bench-kernels: $(B)/tests/bench/bench_kernels ## ns per element of every level, beside PyTorch if PYTHON has it
	@$<
	@$(PYTHON) tests/bench/bench_torch.py $<
$(B)/tests/bench/bench_kernels: $(B)/tests/bench/bench_kernels.o $(B)/tests/bench/bench_threads.o $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lpthread -lm
accuracy: $(B)/tests/bench/accuracy ## the largest errors by families of logits, in units in the last place
	@$<
$(B)/tests/bench/accuracy: $(B)/tests/bench/accuracy.o $(B)/tests/support/numbers.o $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lm

sweep: $(B)/tests/bench/sweep ## the largest errors of exp, log and log1p, at every float32: takes minutes
	@$< $(ARGS)
$(B)/tests/bench/sweep: $(addprefix $(B)/tests/,bench/sweep.o bench/sweep_functions.o support/numbers.o support/specification.o) $(B)/libloss.a
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -lpthread -lm

overload: build/lossd ## three times as many requests as lossd can serve, for OVERLOAD_SECONDS (30), and slow clients
	@$(MAKE) MODE=release build/release/tests/bench/overload
	@LOSSD=build/release/lossd build/release/tests/bench/overload
$(B)/tests/bench/overload: $(addprefix $(B)/tests/,bench/overload.o bench/bench_callers.o $(addprefix support/,raw.o response.o texts.o daemon.o))
	$(call SHOW,link)$(CC) $(LINK) -o $@ $^ -ljansson -lpthread -lm

# The C++ is others' code, for which the best is done: this machine's vector instructions.
COMPILE_CXX := -std=c++17 -O3 -march=native -Wall -Wextra -MMD -MP
$(B)/tests/bench/%.o: tests/bench/%.cpp Makefile
	@mkdir -p $(@D)
	$(call SHOW,c++ )$(CXX) $(CPPFLAGS) $(COMPILE_CXX) -c -o $@ $<
bench-json: deps-bench ## ns per number read and written, beside simdjson, jansson, std::to_chars and the C library
	@$(MAKE) $(B)/tests/bench/bench_json
	@$(B)/tests/bench/bench_json
$(B)/tests/bench/bench_json: $(addprefix $(B)/tests/bench/,bench_json.o bench_json_c.o bench_json_others.o) $(B)/parts.a $(B)/libloss.a
	$(call SHOW,link)$(CXX) $(LINK) -o $@ $^ -lsimdjson -ljansson -lm
sweep-float32: deps-bench ## every finite float32 written and read back, beside std::to_chars: some minutes
	@$(MAKE) $(B)/tests/bench/sweep_float32
	@$(B)/tests/bench/sweep_float32
$(B)/tests/bench/sweep_float32: $(B)/tests/bench/sweep_float32.o $(B)/tests/bench/bench_json_others.o $(B)/parts.a
	$(call SHOW,link)$(CXX) $(LINK) -o $@ $^ -lsimdjson -lpthread -lm

FORMATTED := $(HEADERS) $(SOURCES) $(wildcard tests/bench/*.h tests/bench/*.cpp)
format: deps-lint ## format the sources by .clang-format
	@clang-format -i $(FORMATTED)
lint: deps-lint ## look for what is not formatted, and for what clang-tidy finds
	@clang-format --dry-run --Werror $(FORMATTED)
	@awk 'length > 100 { print FILENAME ":" FNR ": more than 100 columns"; bad = 1 } END { exit bad }' \
	    $(wildcard include/*/*.h src/*.[ch] src/*/*.[ch]) # clang-format lets comments be
	@clang-tidy --quiet $(filter-out src/version.c,$(wildcard src/*.c src/*/*.c)) -- $(CPPFLAGS) -std=c11 \
	    $(KERNEL_ALONE) 2>/dev/null
	@echo "lint: nothing found"

# ---- installing --------------------------------------------------------------------------------
# Of the packages' tests and of the image: this machine's, if that is a Debian that lossd is for.
SUITE ?= $(or $(filter bookworm trixie,$(shell . /etc/os-release 2>/dev/null && echo $$VERSION_CODENAME)),bookworm)

# The manual page, made from what the program says of itself.
build/lossd.8: src/lossd.8.in src/manual.awk build/lossd
	$(call SHOW,make)build/lossd --help | awk -f src/manual.awk - $< > $@
check-manual: build/lossd.8 ## hold the manual page against the program's settings and commands
	@python3 tests/manual/check_manual.py build/lossd $<

PREFIX     ?= /usr/local
DESTDIR    ?=
LIBDIR     ?= $(PREFIX)/lib
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
# What depends on these places is written anew for each installation.
UNITS      := lossd.service lossd.socket
WITH_PLACES = sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; \
              s|/usr/local/bin/lossd|$(PREFIX)/bin/lossd|; s|/etc/lossd|$(SYSCONFDIR)/lossd|g; \
              s|/usr/share/lossd|$(PREFIX)/share/lossd|g'

install: install-program install-library ## install all under $(DESTDIR)$(PREFIX); settings that are there stay
install-program: build/lossd build/lossd.8 # the daemon, its settings, manual page and systemd units
	install -D -m 755 build/release/lossd $(DESTDIR)$(PREFIX)/bin/lossd
	install -D -m 644 config/lossd.json $(DESTDIR)$(PREFIX)/share/lossd/lossd.json
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	$(WITH_PLACES) build/lossd.8 > $(DESTDIR)$(PREFIX)/share/man/man8/lossd.8
	test -e $(DESTDIR)$(SYSCONFDIR)/lossd/lossd.json || \
	    install -D -m 644 config/lossd.json $(DESTDIR)$(SYSCONFDIR)/lossd/lossd.json
	install -d $(DESTDIR)$(UNITDIR)
	for u in $(UNITS); do $(WITH_PLACES) config/$$u > $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
install-library: build/release/installed/libloss.a # libloss, its headers, and what pkg-config is asked for
	install -D -m 644 $< $(DESTDIR)$(LIBDIR)/libloss.a
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/loss include/loss/*.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	$(WITH_PLACES) config/libloss.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/libloss.pc
uninstall: ## remove what `make install` with the same places has installed, but for changed settings
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/,bin/lossd share/lossd share/man/man8/lossd.8 include/loss)
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libloss.a pkgconfig/libloss.pc) $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS))
	! cmp -s config/lossd.json $(DESTDIR)$(SYSCONFDIR)/lossd/lossd.json || \
	    rm $(DESTDIR)$(SYSCONFDIR)/lossd/lossd.json
check-install: build/lossd build/lossd.8 build/release/installed/libloss.a ## install into build/, build an outside program by pkg-config, uninstall
	@CC='$(CC)' sh tests/packages/check_install.sh build/packages '$(MAKE)'

# debhelper wants a folder debian/ at the top of a tree; it gets a tree of its own.
DEB_TREE := build/deb/lossd
comma    := ,
deb: deps-deb build/lossd build/lossd.8 build/release/installed/libloss.a ## make the Debian packages lossd and libloss-dev in build/deb
	@rm -rf build/deb && mkdir -p $(DEB_TREE) && cp -r config/debian $(DEB_TREE)/debian
	@sed -i 's/@BUILD_DEPENDS@/debhelper-compat (= 13)$(PACKAGES_BUILD:%=$(comma) %)/' $(DEB_TREE)/debian/control
	@sed 1,4d LICENSE | sed 's/^$$/./; s/^/ /' | sed -i -e '/@LICENSE@/{r /dev/stdin' -e 'd}' $(DEB_TREE)/debian/copyright
	@test "$$(cd $(DEB_TREE) && dpkg-parsechangelog -SVersion)" = '$(VERSION)' || \
	    { echo "config/debian/changelog does not begin with version $(VERSION)"; exit 1; }
	@cd $(DEB_TREE) && debian/rules binary SOURCE='$(CURDIR)'
	@lintian --fail-on error,warning build/deb/*.deb && ls -l build/deb/*.deb
check-deb: deb ## install the package in a fresh Debian SUITE, use it there, remove it
	@sh tests/packages/check_deb.sh build/deb '$(SUITE)'

# ---- containers --------------------------------------------------------------------------------
DOCKER  ?= docker
COMPOSE ?= $(shell command -v docker-compose || echo $(DOCKER) compose)
BASE    ?= lossd-base:$(SUITE)

has_engine = $(DOCKER) info >/dev/null 2>&1 || { echo "there is no Docker engine here ($(DOCKER) info fails)"; exit 1; }

image-base: deps-image ## make the Debian image that the Dockerfile starts from, out of packages
	@$(has_engine)
	@if $(DOCKER) image inspect $(BASE) >/dev/null 2>&1; then \
	    echo "$(BASE) is there already; $(DOCKER) rmi $(BASE) to have it made anew"; else \
	    mmdebstrap --quiet --variant=minbase --include=ca-certificates $(SUITE) - | \
	    $(DOCKER) import --change 'CMD ["/bin/bash"]' - $(BASE); fi
image: image-base ## build the images lossd, lossd-haproxy and lossd-prometheus
	$(DOCKER) build -t lossd --build-arg BASE=$(BASE) --build-arg REVISION=$(REVISION) -f docker/Dockerfile .
	$(DOCKER) build -t lossd-haproxy --build-arg BASE=$(BASE) - < docker/Dockerfile.haproxy
	$(DOCKER) build -t lossd-prometheus --build-arg BASE=$(BASE) - < docker/Dockerfile.prometheus
check-image: image ## start the image and look at it from outside
	@sh tests/image/check_image.sh $(DOCKER)
check-compose: image ## bring up all of compose-up on other ports, replace the replicas under load
	@python3 tests/image/check_compose.py $(DOCKER) $(COMPOSE)
compose-up: ## start three replicas of lossd, HAProxy and Prometheus from those images
	@$(has_engine)
	$(COMPOSE) -f docker/compose.yaml up -d
compose-down: ## stop them
	@$(has_engine)
	$(COMPOSE) -f docker/compose.yaml down

help: ## list the targets
	@echo "make TARGET [MODE=release|debug|asan|tsan] [CC=gcc|clang]"
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):[^#]*## /  \1\t/' | expand -t 16

clean: ## remove build/
	rm -rf build
