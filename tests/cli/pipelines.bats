#!/usr/bin/env bats
# The pipelines: plans, runs and how they go on, and the whole chain at the smoke scale. The
# machinery's small programs have tests of their own in pipelines-programs.bats.

setup() {
    cd "$SAM_TOP" || exit
    # The settings of the build under test (BUILD, SANITIZE) come with MAKEFLAGS; its job server,
    # whose pipes end here, does not.
    case ${MAKEFLAGS-} in
    *" -- "*) export MAKEFLAGS=${MAKEFLAGS##* -- } ;;
    *) unset MAKEFLAGS ;;
    esac
    unset MAKELEVEL
    results=$BATS_TEST_TMPDIR/results
}

# A plan or a result of the smoke profile, in a folder of this test.
smoke() {
    make --no-print-directory PROFILE=smoke RESULTS="$results" "$@"
}

# What make would train, a name a line.
trained() {
    grep -o 'pipelines/train [^ ]*' | sed 's|.*/||'
}

@test "make -n shows the complete plan of every profile, under its own folder alone" {
    for profile in quick smoke notes; do
        plan=$(make -n BUILD="$BATS_TEST_TMPDIR/nothing-yet" PROFILE=$profile paper)
        [[ $plan == *"/$profile/paper/samscope.pdf"* ]]
        for other in quick smoke notes; do
            [ $other = $profile ] || [[ $plan != *"/$other/"* ]] || false
        done
    done
}

@test "the notes profile trains the 51 runs of the notes' tables, each at the notes' scale" {
    make -n PROFILE=notes RESULTS="$results" SEEDS=1 runs | grep 'pipelines/train ' >"$BATS_TEST_TMPDIR/plan"
    cd "$BATS_TEST_TMPDIR"
    # SGD, and at five radii SAM, checkpoint 1, 2, 3, 4, 12, 13, 14, 134, 123: 1 + 5 x 10. And what
    # the published code trains under the name of checkpoint14: checkpoint23.
    classes='1|2|3|4|12|13|14|134|123'
    [ "$(trained <plan | grep -cE "^(sgd_0|(sam|checkpoint($classes))_0\.[12468])_1\$")" = 51 ]
    [ "$(trained <plan | grep -cE '^checkpoint23_0\.[12468]_1$')" = 5 ]
    [ "$(trained <plan | sort | uniq -d)" = "" ]
    run grep -vE -- '--width 64 .*--train-size 45000 --epochs (200|1) ' plan
    [ "$output" = "" ]
}

@test "a profile that does not exist is refused with the names of those that do" {
    run make -n PROFILE=big paper
    [ "$status" -eq 2 ]
    [[ $output == *"PROFILE=big: no such profile, wanted one of:"*quick* ]]
}

@test "processors are divided among the runs that -j trains side by side" {
    cores=$(nproc)
    for jobs in 1 2 $((4 * cores)) ''; do
        threads=$((jobs == 1 ? cores : jobs == 2 && cores > 2 ? cores / 2 : 1))
        smoke -n -j$jobs runs | grep 'pipelines/train ' >"$BATS_TEST_TMPDIR/plan"
        run grep -v -- "--threads $threads\$\|--threads $threads " "$BATS_TEST_TMPDIR/plan"
        [ "$output" = "" ]
    done
}

@test "a changed parameter redoes its run alone, and make says what changed" {
    both="$results/runs/sgd_0_1/log.csv $results/runs/sgd_0_2/log.csv"
    # shellcheck disable=SC2086
    smoke $both
    before=$(stat -c %y "$results/runs/sgd_0_2/log.csv")
    run smoke -n runs
    [ "$(trained <<<"$output" | grep -c sgd_0_)" -eq 0 ]

    changed="run.sgd_0_1=$(paste -sd ' ' "$results/runs/sgd_0_1/parameters") --momentum 0.8"
    run smoke -n "$changed" runs
    [ "$(trained <<<"$output" | grep sgd_0_)" = sgd_0_1 ]
    # shellcheck disable=SC2086
    run smoke "$changed" $both
    [ "$status" -eq 0 ]
    [[ $output == *"run sgd_0_1: its parameters change"*"> --momentum 0.8"* ]]
    [ "$(grep -c 'TRAIN .*sgd_0_2' <<<"$output")" -eq 0 ]
    [ "$(stat -c %y "$results/runs/sgd_0_2/log.csv")" = "$before" ]
    [ "$(jq -r .info.settings.momentum "$results/runs/sgd_0_1/provenance.json")" = 0.8 ]
}

# No file is newer then than the table.
@test "a seed less is one less in the tables, and make says what changed" {
    table=$results/tables/large-batches-runs.csv
    seeds() { mlr --icsv --onidx cut -f seed "$table" | sort -u | paste -sd' '; }
    smoke GRID_EPOCHS=1 SEEDS="1 2" "$table"
    [ "$(seeds)" = "1 2" ]
    run smoke GRID_EPOCHS=1 SEEDS="1 2" "$table"
    [[ $output != *MAKE* ]]
    run smoke GRID_EPOCHS=1 SEEDS=1 "$table"
    [ "$status" -eq 0 ]
    [[ $output == *"settings of all tables change"*"> SEEDS = 1"* && $output != *TRAIN* ]]
    [ "$(seeds)" = 1 ]
}

@test "make killed inside a run goes on there, and leaves the same bytes as one that was not" {
    long="LONG_EPOCHS=12 LONG_TRAIN_SIZE=640"
    # shellcheck disable=SC2086
    smoke $long "$results/runs/observed/log.csv"
    mv "$results" "$BATS_TEST_TMPDIR/whole"

    # shellcheck disable=SC2086
    setsid make --no-print-directory PROFILE=smoke RESULTS="$results" $long \
        "$results/runs/observed/log.csv" 3>&- &
    for _ in $(seq 600); do
        [ "$(wc -l <"$results/runs/observed/log.part" 2>/dev/null || echo 0)" -lt 4 ] || break
        sleep 0.05
    done
    kill -9 -- -$!
    wait $! || true
    [ ! -e "$results/runs/observed/log.csv" ]
    # Until what was killed is buried, it looks as if it ran.
    for _ in $(seq 200); do
        kill -0 "$(<"$results/runs/observed/running")" 2>/dev/null || break
        sleep 0.05
    done

    # shellcheck disable=SC2086
    run smoke $long status
    echo "$output"
    [[ $output == *"stopped  observed"*"epoch "[1-9]*" of 12"*" left"* ]]

    # shellcheck disable=SC2086
    smoke $long "$results/runs/observed/log.csv"
    cd "$results/runs/observed"
    for file in gradients weights.safetensors best.safetensors; do
        cmp $file "$BATS_TEST_TMPDIR/whole/runs/observed/$file"
    done
    jq -r '.files | to_entries[] | .value + "  " + .key' provenance.json >sums
    [ "$(wc -l <sums)" -eq 4 ]
    sha256sum --check --quiet sums
    # All columns but the seconds.
    diff <(cut -d, -f 1-12 "$BATS_TEST_TMPDIR/whole/runs/observed/log.csv") <(cut -d, -f 1-12 log.csv)
}

@test "a whole run of which one more file is asked keeps what it has" {
    folder=$results/runs/sam_0.1_1
    smoke predicting_runs= "$folder/gradients"
    cp -r "$folder" "$BATS_TEST_TMPDIR/before"
    [ ! -e "$folder/predictions.csv" ]
    smoke predicting_runs=sam_0.1_1 "$folder/predictions.csv"
    [ -s "$folder/predictions.csv" ]
    for file in gradients weights.safetensors best.safetensors log.csv; do
        cmp "$folder/$file" "$BATS_TEST_TMPDIR/before/$file"
    done
}

@test "make status tells done, missing and changed runs apart" {
    smoke "$results/runs/sgd_0_1/log.csv"
    run smoke status
    [[ $output == *" runs: 1 done "*" missing; "*" of training left"* ]]
    run smoke GRID_EPOCHS=3 status
    [[ $output == *"changed  sgd_0_1"* ]]
}

@test "runs that another build of train-sam made are told, and make retrain makes them anew" {
    one=(CHAPTERS= "run.one=--width 2 --train-size 64 --batch-size 32 --val-fraction 0.002 --epochs 1")
    smoke "${one[@]}" runs
    run smoke "${one[@]}" status
    [[ $output == *"1 runs: 1 done"* && $output != *"another build"* ]]
    run smoke "${one[@]}" retrain
    [[ $output != *TRAIN* ]]

    provenance=$results/runs/one/provenance.json
    program=$(jq -r .program "$provenance")
    sed -i "s/$program/0123456789/" "$provenance"
    run smoke "${one[@]}" status
    [[ $output == *"runs made by another build of train-sam: 1 (make retrain"* ]]
    run smoke "${one[@]}" retrain
    [ "$status" -eq 0 ]
    [ "$(grep -c 'TRAIN .*/one$' <<<"$output")" -eq 1 ]
    [ "$(jq -r .program "$provenance")" = "$program" ]
    run smoke "${one[@]}" status
    [[ $output != *"another build"* ]]
}

@test "a run that diverges is a result that says so; a run that fails is none" {
    run smoke "run.sgd_0_1=--width 2 --train-size 64 --batch-size 32 --val-fraction 0.002 \
        --epochs 8 --optimizer sgd --lr 1e6 --schedule constant" "$results/runs/sgd_0_1/log.csv"
    [ "$status" -eq 0 ]
    [ -s "$results/runs/sgd_0_1/diverged" ]
    [ "$(jq -r .info.status "$results/runs/sgd_0_1/provenance.json")" = diverged ]

    run smoke "run.sgd_0_2=--width 0" "$results/runs/sgd_0_2/log.csv"
    [ "$status" -ne 0 ]
    [[ $output == *"--width"* ]]
    [ ! -e "$results/runs/sgd_0_2/log.csv" ]
}

@test "tables about several runs leave those out that diverged" {
    runs=(SEEDS="1 2" MCNEMAR_RUNS="sgd_0_1 sgd_0_2 sam_0.1_1 sam_0.1_2"
        RADIUS_RUNS="sam_0.1_1 sam_0.1_2" BATCH_RUNS="sgd_0_1 sgd_0_2")
    for run in sgd_0_2 sam_0.1_2; do
        options=$(smoke -n "$results/runs/$run/parameters" | sed -n "s/^echo '\(--.*\)' | sed.*/\1/p")
        runs+=("run.$run=$options --lr 1e6")
    done
    smoke "${runs[@]}" "$results"/tables/{mcnemar,radius-shares,large-batches-squares}.csv
    [ -e "$results/runs/sgd_0_2/diverged" ]
    [ -e "$results/runs/sam_0.1_2/diverged" ]
    cd "$results/tables"
    [ "$(mlr --icsv --onidx cut -o -f update,seed mcnemar.csv)" = "sam 1" ]
    [ "$(mlr --icsv --onidx cut -f run then uniq -a radius-shares.csv)" = sam_0.1_1 ]
    [ "$(mlr --icsv --onidx cut -f seed then uniq -a large-batches-squares.csv)" = 1 ]
}

@test "seeds need not begin with 1" {
    run smoke -n SEEDS="2 3" paper
    [ "$status" -eq 0 ]
    [[ $output == *sgd_0_2* && $output != *sgd_0_1[/\ ]* ]]
}

@test "the smoke profile makes the whole paper, all of it verified" {
    scale=()
    case $SAM_BIN in *sanitize*) scale=(SEEDS=1 RHOS=0.1 RADII=0.1) ;; esac
    smoke -j"$(nproc)" "${scale[@]}" paper >"$BATS_TEST_TMPDIR/log" 2>&1 || {
        tail -n 30 "$BATS_TEST_TMPDIR/log"
        false
    }
    run grep -vc '^ok: ' "$results/verified"
    [ "$output" = 0 ]

    # Every figure and table of the chapters is in the page, which refers to nothing outside.
    page=$results/paper/samscope.html
    [ "$(grep -c '<img' "$page")" -eq "$(cat pipelines/[0-9]*.mk | grep -c '^# @figure')" ]
    [ "$(grep -c '<caption>' "$page")" -eq "$(cat pipelines/[0-9]*.mk | grep -c '^# @table')" ]
    run grep -oE 'src="[^d][^"]{0,40}|\{\{|@table|@figure' "$page"
    [ "$output" = "" ]
    [ "$(head -c 5 "$results/paper/samscope.pdf")" = "%PDF-" ]

    # And nothing is left to do.
    run smoke "${scale[@]}" paper
    [ "$status" -eq 0 ]
    [ "$(grep -cE '^  (TRAIN|MAKE|VERIFY|WEAVE|HTML|PDF) ' <<<"$output")" -eq 0 ]

    # What is thrown away is made again, and to the same bytes, in another time zone too.
    cp "$results/paper/samscope.pdf" "$results/figures/overlap.pdf" "$BATS_TEST_TMPDIR"
    rm "$results/figures/overlap.pdf" "$results/tables/scale.csv"
    sleep 1 # so that the time is another
    TZ=Asia/Tokyo smoke "${scale[@]}" paper
    [ -e "$results/tables/scale.csv" ]
    cmp "$results/figures/overlap.pdf" "$BATS_TEST_TMPDIR/overlap.pdf"
    cmp "$results/paper/samscope.pdf" "$BATS_TEST_TMPDIR/samscope.pdf"

    # Verification sees an empty cell, a share that does not fit, a missing provenance.
    broken=$BATS_TEST_TMPDIR/broken
    cp -r "$results/tables" "$broken"
    mlr -I --csv put 'NR == 1 {$class2 = $class2 + 1}' "$broken/classes.csv"
    mlr -I --csv put 'NR == 1 {$lift = ""}' "$broken/overlap.csv"
    rm "$broken/running.csv.provenance.json"
    run pipelines/verify "$broken" "$results/figures"
    [ "$status" -eq 1 ]
    [[ $output == *"the classes of classes add up to 100 %: "* ]]
    [[ $output == *"overlap.csv is full: row 1: lift is empty"* ]]
    [[ $output == *"every result has its provenance: $broken/running.csv"* ]]
}
