# How the paper is made
# =====================
#
# `make paper` makes every table and figure of this paper, and the paper, from the chapters
# `pipelines/[0-9]*.mk`. A chapter is written to be read: its comments are the text, its rules the
# method, shown as they are. This last chapter is the machinery on which the others stand; nothing
# in it is about gradients.
#
# The scale of everything is that of a *profile*, a file of variables in `pipelines/profiles/`:
# `quick` (the default), `smoke` (a few minutes, for the tests) or `notes` (the full protocol).
# What a profile makes lies in a folder of its own, so that its results are never taken for
# another's.

PROFILE ?= quick
PROFILES := $(basename $(notdir $(wildcard pipelines/profiles/*.mk)))
ifeq ($(filter $(PROFILE),$(PROFILES)),)
$(error PROFILE=$(PROFILE): no such profile, wanted one of: $(PROFILES))
endif
include pipelines/profiles/$(PROFILE).mk

empty :=
space := $(empty) $(empty)
define newline


endef

RESULTS := $(OUT)/$(PROFILE)
RUNS := $(RESULTS)/runs
TABLES := $(RESULTS)/tables
FIGURES := $(RESULTS)/figures
PAIRS := $(RESULTS)/pairs

# The tools are called by their names, as a person would call them. What is written and sorted is
# the same in every country, also where the system knows of none.

export PATH := $(abspath $(BIN)):$(PATH)
export CC PROFILE RUNS
export LC_ALL := C.UTF-8
export TZ := UTC

# Tables and figures
# ------------------
#
# What a recipe for a table writes to standard output is the table. Its shell is
# `pipelines/record`, which puts the output in place only when all of it is there, and writes
# beside it the provenance: the command, the commit and versions, the checksums of the inputs or
# the training runs behind them. A chapter names what it makes with `$(call table,NAME)`, `$(call
# figure,NAME)` or, for a few gradient records, `$(call pair,NAME)`.

table = $(eval table_files += $(TABLES)/$(1).csv)$(TABLES)/$(1).csv
pair = $(eval pair_files += $(PAIRS)/$(1))$(PAIRS)/$(1)
figure = $(eval figure_names += $(1))$(foreach type,svg pdf png,$(FIGURES)/$(1).$(type))

$(TABLES)/% $(FIGURES)/% $(PAIRS)/%: private SHELL = pipelines/record
$(TABLES)/% $(FIGURES)/% $(PAIRS)/%: private export TARGET = $@
$(TABLES)/% $(FIGURES)/% $(PAIRS)/%: private export INPUTS = $^
$(TABLES)/% $(FIGURES)/% $(PAIRS)/%: private export ENVIRONMENT = $(RESULTS)/environment.json

# Where a table is about several runs, `$(call each_run,NAMES,COMMAND)` joins what the command
# writes for each (in which `$$run` is the name), and adds what a name such as `sam_0.1_2` says.

each_run = for run in $(1); do $(2) | mlr --icsv --ojson put '$$run = "'$$run'"'; done | \
    mlr --ijson --ocsv unsparsify then put -f pipelines/run-name.mlr

# A run that diverged has no weights to ask, and may have no records: it is left out.

unless_diverged = if [ ! -e $(RUNS)/$$run/diverged ]; then $(1); fi

# A figure is one gnuplot script, which draws it as SVG for the page, as PDF for print, and as
# PNG. A PDF file says when it was made: that is when the commit was, so that the same results are
# the same bytes. LaTeX takes that time from the environment, gnuplot does not.

ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2> /dev/null || echo 0)
endif
export SOURCE_DATE_EPOCH
pdf_date := $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y%m%d%H%M%S)
dated = sed 's|/CreationDate (D:[0-9]*Z)|/CreationDate (D:$(pdf_date)Z)|'

$(FIGURES)/%.svg: figures/%.gp figures/style.gp
	pipelines/draw svg $(TABLES) $<
$(FIGURES)/%.pdf: figures/%.gp figures/style.gp
	pipelines/draw pdf $(TABLES) $< | $(dated)
$(FIGURES)/%.png: figures/%.gp figures/style.gp
	pipelines/draw png $(TABLES) $<

# The chapters
# ------------

CHAPTERS := $(sort $(wildcard pipelines/[0-9]*.mk))
include $(CHAPTERS)
figure_files := $(foreach type,svg pdf png,$(figure_names:%=$(FIGURES)/%.$(type)))

# Training runs
# -------------
#
# A chapter asks for a run by a variable `run.NAME`, whose value is the options of `train-sam`.
# They stand in `runs/NAME/parameters`, a file that is written anew only where it differs from
# what is asked for. So a changed parameter redoes its run and no other; what was made with the
# old one is thrown away first, and `make` says what differs.

run_names := $(sort $(patsubst run.%,%,$(filter run.%,$(.VARIABLES))))

within = $(findstring |$(strip $(1))|,|$(strip $(2))|)
same = $(and $(call within,$(1),$(2)),$(call within,$(2),$(1)))
$(foreach name,$(run_names),$(if $(call same,$(run.$(name)),$(file <$(RUNS)/$(name)/parameters)),,\
    $(eval $(RUNS)/$(name)/parameters: FORCE)))
tell_change = @if [ -e $@ ]; then echo '  $(1) change (< was, > is now)'; diff $@ $@.new || :; fi

$(RUNS)/%/parameters:
	@mkdir -p $(@D)
	@echo '$(strip $(run.$*))' | sed 's/ --/\n--/g' > $@.new
	$(call tell_change,run $*: its parameters)
	@find $(@D) -type f ! -name parameters.new -delete
	@mv $@.new $@

# How many there are, for the paper's first page:

$(call table,profile): $(run_names:%=$(RUNS)/%/log.csv)
	echo profile,runs; echo $(PROFILE),$(words $(run_names))

# `pipelines/train` trains a run from where it stopped, and puts what it leaves in place when it
# is whole. Unlike tables, runs are not redone because a tool was built anew: that would throw
# away days for a changed message. Each keeps, in its provenance, the checksum of the program that
# made it; where that is not the present one, `make` says so at the end, and `make retrain`, for
# who has changed what it computes, throws those runs away and makes them anew.

RUN_FILES := log.csv gradients weights.safetensors best.safetensors predictions.csv
$(RUN_FILES:%=$(RUNS)/\%/%): $(RUNS)/%/parameters | $(BIN)/train-sam $(RESULTS)/environment.json \
    $(DATA)
	@echo '  TRAIN $(@D)'
	$(Q)pipelines/train $(@D) $(strip $(run.$*)) --threads $(THREADS) \
	    $(if $(filter $*,$(predicting_runs)),--predictions $(@D)/predictions.part)

outdated = pipelines/outdated $(RUNS) $(run_names)
tell_outdated = @count=$$($(outdated) | wc -l); [ $$count -eq 0 ] || \
    echo "  runs made by another build of train-sam: $$count (make retrain makes them anew)"

# How many runs are trained side by side is what `-j` says, without a number as many as there are
# processors or more; these are divided among them. Their results do not depend on it.

CORES := $(shell nproc)
jobs = $(or $(patsubst -j%,%,$(patsubst -j,-j$(CORES),$(filter -j%,$(MAKEFLAGS)))),1)
THREADS = $(shell echo $$(( $(CORES) > $(jobs) ? $(CORES) / $(jobs) : 1 )))

# Tables are made anew when a chapter, as one uses what another defines, a tool or one of the small
# programs beside the chapters changes; the checksums of all of them are part of the provenance. A
# seed or a radius less makes no file newer, but what is there says too much: so the settings of the
# profile and the names of the runs are kept as a run's parameters are, and where they differ tables
# are made anew as well.

profile_variables := $(shell sed -n 's/^\([A-Z_]*\) *:=.*/\1/p' pipelines/profiles/$(PROFILE).mk)
settings := $(foreach name,$(profile_variables),'$(name) = $(strip $($(name)))') \
    $(run_names:%='run %')
$(if $(call same,$(subst ',,$(settings)),$(file <$(RESULTS)/settings)),,\
    $(eval $(RESULTS)/settings: FORCE))

$(RESULTS)/settings:
	@mkdir -p $(@D); printf '%s\n' $(settings) > $@.new
	$(call tell_change,the settings of all tables)
	@mv $@.new $@

$(table_files) $(pair_files): $(RESULTS)/settings $(filter-out %/train-sam,$(TOOL_BINARIES)) \
    $(CHAPTERS) pipelines/pipelines.mk $(wildcard pipelines/*.awk pipelines/*.mlr)
$(table_files) $(pair_files) $(figure_files): | $(RESULTS)/environment.json
$(if $(V),,$(eval .SILENT: $(table_files) $(pair_files) $(figure_files)))

# The surroundings, for the provenance: written anew only where they changed.

$(RESULTS)/environment.json: FORCE
	@mkdir -p $(RUNS) $(PAIRS) $(TABLES) $(FIGURES)
	@pipelines/environment > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Before the paper: verification
# ------------------------------
#
# What must hold at any scale is checked before the paper is woven, and a failure stops it. The long
# runs are named first, so that none of them is left over for one processor at the end. `make` takes
# what comes in between for settled as long as its end is there; who throws a table or a figure away
# wants it anew.

shown := $(table_files) $(figure_files)
$(if $(filter-out $(wildcard $(shown)),$(shown)),$(eval $(RESULTS)/verified: FORCE))

long_runs := $(patsubst %,$(RUNS)/%/log.csv,$(filter observed%,$(run_names)))
$(RESULTS)/verified: pipelines/verify $(long_runs) $(shown)
	@echo '  VERIFY'
	$(Q)pipelines/verify $(TABLES) $(FIGURES) > $@.part
	$(Q)mv $@.part $@

# The paper
# ---------
#
# `paper/weave.awk` turns the chapters into one Markdown text: comments become text, rules code,
# and where the text asks for a table, a figure or a number, it is put in from what was made. No
# number of ours is typed by hand. Pandoc makes of it one HTML file that needs nothing else, and a
# PDF.

PAPER := $(RESULTS)/paper
PAPER_SOURCES := paper/front.md pipelines/profiles/$(PROFILE).mk $(CHAPTERS) \
    pipelines/pipelines.mk paper/references.md

$(PAPER)/paper.md: paper/weave.awk $(PAPER_SOURCES) $(RESULTS)/verified
	@echo '  WEAVE'
	@mkdir -p $(@D)
	$(Q)awk -v tables=$(TABLES) -v notes=data -f $< \
	    pass=1 $(PAPER_SOURCES) pass=2 $(PAPER_SOURCES) > $@.part
	$(Q)mv $@.part $@
$(PAPER)/samscope.html: $(PAPER)/paper.md paper/style.css
	@echo '  HTML  $@'
	$(Q)pandoc $(PANDOC) --to html5 --self-contained --mathml --css paper/style.css \
	    --default-image-extension svg --output $@.part.html $<
	$(Q)mv $@.part.html $@
$(PAPER)/samscope.pdf: $(PAPER)/paper.md paper/header.tex
	@echo '  PDF   $@'
	$(Q)pandoc $(PANDOC) --to latex --pdf-engine pdflatex --include-in-header paper/header.tex \
	    --default-image-extension pdf --output $@.part.pdf $<
	$(Q)mv $@.part.pdf $@

PANDOC := --standalone --from markdown --toc --toc-depth 2 --resource-path $(RESULTS)

# What a person types
# -------------------

.PHONY: paper figures tables gallery runs retrain status
GALLERY := classes experiment-1
paper: $(PAPER)/samscope.html $(PAPER)/samscope.pdf ## make all tables, figures and the paper
	$(tell_outdated)
figures: $(figure_files) ## ... the figures
tables: $(table_files) ## ... the tables
gallery: $(GALLERY:%=$(FIGURES)/%.png) ## ... the figures that README.md shows, into figures/gallery
	mkdir -p figures/gallery; cp $^ figures/gallery
runs: $(run_names:%=$(RUNS)/%/log.csv) ## ... the training runs
retrain: $(BIN)/train-sam ## ... those that another build of train-sam made, anew
	@$(outdated) | xargs --no-run-if-empty --delimiter '\n' rm -r
	@$(MAKE) --no-print-directory runs
status: ## which runs are done, running, missing, and the time left
	@$(shell mkdir -p $(RUNS))$(file >$(RESULTS)/plan,$(foreach name,$(run_names),$(name) $(strip $(run.$(name)))$(newline)))
	@sed 's/^ //; /^$$/d' $(RESULTS)/plan | pipelines/status $(RUNS)
	$(tell_outdated)
