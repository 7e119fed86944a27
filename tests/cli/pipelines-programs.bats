#!/usr/bin/env bats
# The small programs of the pipelines: statistics against known answers, the weave, the recording
# shell. Where an answer is R's, what R is asked stands beside it.

setup() {
    cd "$BATS_TEST_TMPDIR" || exit
    programs=$SAM_TOP/pipelines
}

statistics() { # EXPRESSIONS, to be printed
    awk -f "$programs/statistics.awk" -f <(echo "BEGIN { OFMT = CONVFMT = \"%.7g\"; $1 }")
}

compare() {
    awk -f "$programs/statistics.awk" -f "$programs/compare.awk"
}

correlate() {
    awk -v x=x -v y=y -v group=g -f "$programs/statistics.awk" -f "$programs/correlate.awk"
}

@test "Student's t: critical values and probabilities" {
    # qt(0.975, c(1, 4, 30)), the first of which is tan(0.475 pi); for 1 and 3 degrees of freedom
    # 1 - (2/pi) atan t and 1 - (2/pi) (u / (1 + u^2) + atan u) with u = t / sqrt 3
    [ "$(statistics 'print t_critical(0.05, 1), t_critical(0.05, 4), t_critical(0.05, 30)')" = \
        "12.7062 2.776445 2.042272" ]
    [ "$(statistics 'print t_two_sided(0.5, 1), t_two_sided(2, 10), t_two_sided(12, 3)')" = \
        "0.7048328 0.07338803 0.001245016" ]
    [ "$(statistics 'print t_two_sided(0, 5), t_two_sided(-2, 10)')" = "1 0.07338803" ]
}

@test "the exact test of a coin, and Holm's adjustment" {
    # twice sums of binomial coefficients over 2^n, in whole numbers
    [ "$(statistics 'print coin_two_sided(5, 15), coin_two_sided(10, 0)')" = "0.04138947 0.001953125" ]
    [ "$(statistics 'print coin_two_sided(600, 500)')" = 0.002819545 ]
    [ "$(statistics 'print coin_two_sided(0, 0), coin_two_sided(7, 7)')" = "1 1" ]
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    [ "$(statistics 'p[1] = 0.01; p[2] = 0.04; p[3] = 0.03; p[4] = 0.005; holm(p, 4, a);
        print a[1], a[2], a[3], a[4]')" = "0.03 0.06 0.06 0.02" ]
}

@test "compare: the paired t-test of R's sleep data" {
    # with(sleep, t.test(extra[group == 2], extra[group == 1], paired = TRUE)): t = 4.0621, df = 9,
    # p-value = 0.002833, 95 percent confidence interval 0.7001142 2.4598858, mean 1.58
    one=(0.7 -1.6 -0.2 -1.2 -0.1 3.4 3.7 0.8 0.0 2.0)
    two=(1.9 0.8 1.1 0.1 -0.1 4.4 5.5 1.6 4.6 3.4)
    {
        echo update,rho,seed,accuracy
        for i in "${!one[@]}"; do
            echo "drug,0.5,$i,${two[i]}"
            echo "sgd,0,$i,${one[i]}"
        done | sort -t, -k1,1r
    } | compare >got
    run mlr --icsv --onidx --ofs ' ' filter '$update == "drug"' \
        then put '$gain_low = fmtnum($gain_low, "%.7f"); $gain_high = fmtnum($gain_high, "%.7f");
            $p = fmtnum($p, "%.6f")' then cut -o -f seeds,mean,gain,gain_low,gain_high,p got
    [ "$output" = "10 2.33 1.58 0.7001142 2.4598858 0.002833" ]
}

@test "compare: one seed has no interval, a lost run no pair, equal gains no test" {
    compare >got <<'CSV'
update,rho,seed,accuracy
sgd,0,1,80
sgd,0,2,81
one,0.1,1,80.5
lost,0.1,1,80.5
lost,0.1,2,
same,0.1,1,80.7
same,0.1,2,81.7
CSV
    diff - got <<'CSV'
rho,update,seeds,mean,half,gain,gain_low,gain_high,p,p_holm
,sgd,2,80.5,6.35310236809,,,,,
0.1,one,1,80.5,,0.5,,,,
0.1,lost,1,80.5,,0.5,,,,
0.1,same,2,81.2,6.35310236809,0.7,,,,
CSV
}

@test "correlate: Spearman's coefficient and its exact probability" {
    # cor.test(1:5, c(2, 1, 4, 3, 5), method = "spearman"): rho = 0.8, p-value = 0.1333
    run correlate <<'CSV'
g,seed,x,y
1,1,1,2
2,1,2,1
3,1,3,4
4,1,4,3
5,1,5,5
CSV
    [ "${lines[1]}" = runs,5,0.8,0.133333333333,0.0166666666667 ]
    [ "${lines[2]}" = "group means,5,0.8,0.133333333333,0.0166666666667" ]
    [ "${lines[3]}" = "within groups,5,,," ]
}

@test "correlate: within groups is blind to what differs between them" {
    # Between the groups y rises with x, within each it falls: by hand -1 in both. Of the 3! orders
    # of the seeds, in both groups alike, this one and its reverse are as far from 0.
    run correlate <<'CSV'
g,seed,x,y
a,1,1,13
a,2,2,12
a,3,3,11
b,1,11,23
b,2,12,22
b,3,13,21
CSV
    [[ ${lines[2]} == "group means,2,1,1,"* ]]
    [ "${lines[3]}" = "within groups,6,-1,0.333333333333,0.333333333333" ]
}

@test "correlate: luck that a seed has in all groups is no relation" {
    # As many groups as may be: the seeds have two orders, and both are as far from 0.
    run correlate < <(echo g,seed,x,y; for g in {1..8}; do echo "$g,1,1,1"; echo "$g,2,2,2"; done)
    [ "${lines[3]}" = "within groups,16,1,1,1" ]
}

@test "correlate: a run without partner in an order is left out of it" {
    # By hand, over the orders 123, 213, 321, 132, 231, 312 of the seeds: 1, (1/2 - 1)/2, -1, 1/2,
    # -1/2, -1/2, since in the last four b has one pair at most.
    run correlate <<'CSV'
g,seed,x,y
a,1,1,1
a,2,2,2
a,3,3,3
b,1,1,1
b,2,2,2
CSV
    [ "${lines[3]}" = "within groups,5,1,0.333333333333,0.333333333333" ]
}

# --- The weave
# ------------------------------------------------------------------------------------

weave() {
    awk -v tables=tables -v notes=notes -f "$SAM_TOP/paper/weave.awk" pass=1 "$@" pass=2 "$@"
}

weave_setup() {
    mkdir tables notes
    printf 'epoch,share,name\n1,-0.5,"a, ""b"""\n2,12.345,\n' >tables/numbers.csv
    printf 'epoch,share\n1,60\n' >notes/notes-numbers.csv
}

@test "weave: comments become text, rules code, numbers and references are put in" {
    weave_setup
    cat >chapter.mk <<'MK'
# Chapter
# =======
#
# At first {{numbers first share %.1f}}, then {{numbers
# epoch=2 share %.2e}}; the notes have {{notes-numbers last share}}. See [[table
# numbers]] and [[figure plot]].

$(call table,numbers): data
	cat $<

# @table numbers
#   epoch | epoch | %d
#   share | share, % | %.1f
#   name | name
# The caption of {{numbers first name}}.
#
# @figure plot
# A plot.
MK
    weave chapter.mk >got
    diff - got <<'MD'
Chapter
=======

At first −0.5, then $1.23 \times 10^{1}$; the notes have 60. See Table 1 and Figure 1.

```makefile
$(call table,numbers): data
	cat $<
```

| epoch | share, % | name |
|--------:|---------:|:-------|
| 1 | −0.5 | a, "b" |
| 2 | 12.3 | – |

: **Table 1.** The caption of a, "b".

![**Figure 1.** A plot.](figures/plot)

MD
}

@test "weave: what is not there is an error that names it" {
    weave_setup
    refuse() { # TEXT MESSAGE
        printf '# %s\n' "$1" >chapter.mk
        run weave chapter.mk
        [ "$status" -eq 1 ]
        [[ $output == *"$2"* ]]
    }
    refuse '{{missing first share}}' "no table tables/missing.csv"
    refuse '{{numbers epoch=3 share}}' "table numbers has no row epoch=3"
    printf '4,1,c\n4,2,d\n' >>tables/numbers.csv
    refuse '{{numbers epoch=4 share}}' "table numbers has several rows epoch=4"
    refuse '{{numbers first colour}}' "table numbers has no column colour"
    refuse '{{numbers step=1 share}}' "table numbers has no column step"
    refuse '{{numbers share}}' "wanted {{TABLE ROW COLUMN FORMAT}}"
    refuse '[[figure none]]' "there is no figure none"
}

# --- The recording shell
# ---------------------------------------------------------------------------

@test "record: a result lands whole, with its command, inputs and environment beside it" {
    echo '{"commit": "abc"}' >environment.json
    printf 'a\nb\n' >input
    mkdir -p mine/runs/{done,planned} other/runs/here
    echo '{"run": "done"}' >mine/runs/done/provenance.json
    touch mine/runs/planned/parameters other/runs/here/input
    TARGET=out.csv INPUTS="input mine/runs/done/log.csv mine/runs/planned/parameters other/runs/here/input" \
        RUNS=mine/runs ENVIRONMENT=environment.json PROFILE=p \
        "$programs/record" -euo pipefail -c 'sort -r input'
    [ "$(cat out.csv)" = "$(printf 'b\na')" ]
    run jq -r '.command, .profile, .environment.commit, .inputs.input' out.csv.provenance.json
    [ "${lines[0]}" = "sort -r input" ]
    [ "${lines[1]} ${lines[2]}" = "p abc" ]
    [ "${lines[3]}" = "$(sha256sum <input | cut -d ' ' -f 1)" ]
    [ "$(jq -c '[(.inputs | keys), .runs]' out.csv.provenance.json)" = '[["input",'\
'"mine/runs/planned/parameters","other/runs/here/input"],[{"run":"done"}]]' ]
}

@test "record: an input of a run that does not say how it was made leaves no result" {
    echo '{}' >environment.json
    TARGET=out.csv INPUTS=runs/one/log.csv RUNS=runs ENVIRONMENT=environment.json PROFILE=p \
        run "$programs/record" -euo pipefail -c 'echo whole'
    [ "$status" -ne 0 ]
    [[ $output == *runs/one/provenance.json* ]]
    [ "$(ls)" = environment.json ]
}

@test "record: a command that fails leaves nothing, and its own status" {
    echo '{}' >environment.json
    TARGET=out.csv INPUTS='' RUNS=runs ENVIRONMENT=environment.json PROFILE=p \
        run "$programs/record" -euo pipefail -c 'echo half; exit 3'
    [ "$status" -eq 3 ]
    [ "$(ls)" = environment.json ]
}

@test "draw: a figure without its column or its data is an error" {
    mkdir tables
    printf 'epoch,progress,class1\n1,1,50\n' >tables/classes.csv
    cd "$SAM_TOP"
    run pipelines/draw svg "$BATS_TEST_TMPDIR/tables" figures/classes.gp
    [ "$status" -ne 0 ]
    run pipelines/draw svg "$BATS_TEST_TMPDIR/nothing" figures/classes.gp
    [ "$status" -ne 0 ]
    pipelines/draw svg "$BATS_TEST_TMPDIR/tables" figures/checkpoint.gp | grep -q '</svg>'
}

@test "draw: needs no locale of its caller" {
    cd "$SAM_TOP"
    env -u LANG -u LC_CTYPE -u LC_ALL pipelines/draw svg nothing figures/checkpoint.gp \
        >"$BATS_TEST_TMPDIR/figure.svg"
}

@test "the figure of Experiment 1 is drawn of a single seed too, which has no intervals" {
    cat >experiment-1.csv <<-'EOF'
	rho,update,gain,gain_low,gain_high,notes_gain
	0.1,sgd,,,,0
	0.1,sam,0.5,,,1.48
	0.1,checkpoint1,-0.25,,,1.7
	EOF
    figures=$BATS_TEST_TMPDIR
    cd "$SAM_TOP"
    pipelines/draw svg "$figures" figures/experiment-1.gp >"$figures/figure.svg"
    grep -q '</svg>' "$figures/figure.svg"
    # ... and of radii that the notes do not have.
    sed -i 's/[^,]*$//; 1s/$/notes_gain/' "$figures/experiment-1.csv"
    pipelines/draw svg "$figures" figures/experiment-1.gp >"$figures/figure.svg"
    grep -q '</svg>' "$figures/figure.svg"
}

@test "interval: a gain with its interval in one cell, alone where a seed has none" {
    printf 'gain,gain_low,gain_high\n1.5,-1,4\n-60.95,,\n,,\n' >gains
    run mlr --icsv --onidx --ofs ';' put -s name=over -f "$programs/interval.mlr" then cut -f over gains
    [ "${lines[0]}" = "1.50 [−1.00, 4.00]" ]
    [ "${lines[1]}" = "−60.95" ]
    [ "${#lines[@]}" -eq 2 ] || [ "${lines[2]}" = "" ]
}

@test "noise-scale: what falls with the batch size is taken out, by hand" {
    # |G|^2 = (256 * 0.8 - 64 * 1.6) / 192, the means over two seeds; its variance a quarter of
    # twice (256^2 * 0.1/8 + 64^2 * 0.2/32) / 192^2
    printf '%s\n' update,rho,seed,batch_size,square_count,square_mean,square_var \
        sgd,0,1,64,32,1.5,0.2 sgd,0,1,256,8,0.9,0.1 sgd,0,2,64,32,1.7,0.2 sgd,0,2,256,8,0.7,0.1 >squares
    run mlr --icsv --onidx --ofmt %.6f put -q -s small=64 -s large=256 -f "$programs/noise-scale.mlr" \
        then cut -o -f norm_small,norm_large,common,common_error squares
    [ "$output" = "1.264911 0.894427 0.533333 0.107044" ]
}

@test "detectable: what t must be for the best of all tests, and the gain that is" {
    # qt(1 - 0.05/55/2, c(1, 4)) = 700.28, 8.8271; times 0.36 sqrt(2/n)
    run awk -v tests=55 -v sd=0.36 -v seeds="2 5" -f "$programs/statistics.awk" -f "$programs/detectable.awk"
    [ "${lines[1]} ${lines[2]}" = "2,700.281,252.101 5,8.82709,2.00979" ]
}

@test "compare: an update all of whose runs diverged has a row that says so" {
    compare >got <<'CSV'
update,rho,seed,accuracy
sgd,0,1,80
sgd,0,2,81
lost,0.1,1,
lost,0.1,2,
CSV
    [ "$(tail -n 1 got)" = "0.1,lost,0,,,,,,," ]
    run mlr --icsv --onidx --ofs ' ' put -q -f "$programs/sam-gains.mlr" <<<"$(sed s/lost/sam/ got)"
    [ "$(xargs <<<"$output")" = "1 0 0" ]
}

@test "sam-gains: on average, significantly, and the most" {
    run mlr --icsv --onidx --ofs ' ' put -q -f "$programs/sam-gains.mlr" <<'CSV'
rho,update,gain,gain_low,gain_high,p_holm
0.1,sam,1,-1,3,0.4
0.2,sam,2,1.5,2.5,0.01
0.4,sam,-3,-4,-2,0.01
0.8,sam,0.5,,,
0.8,other,9,8,10,0.001
CSV
    [ "$output" = "4 3 1 2 1.5 2.5 0.2" ]
}

@test "outdated: finished runs of the plan that another build made, and those without a word" {
    mkdir -p bin runs/{same,other,broken,none,unplanned}
    printf '#!/bin/sh\n' >bin/train-sam
    chmod +x bin/train-sam
    program=$(sha256sum <bin/train-sam | cut -d ' ' -f 1)
    echo "{\"program\": \"$program\"}" >runs/same/provenance.json
    echo '{"program": "0"}' | tee runs/other/provenance.json >runs/unplanned/provenance.json
    echo '{' >runs/broken/provenance.json
    PATH=$PWD/bin:$PATH run "$programs/outdated" runs same other broken none missing
    [ "$output" = "$(printf 'runs/other\nruns/broken')" ]
}

@test "compare: another reference, at the same radius" {
    awk -v reference=sam -f "$programs/statistics.awk" -f "$programs/compare.awk" >got <<'CSV'
update,rho,seed,accuracy
sgd,0,1,70
sam,0.1,1,80
sam,0.1,2,81
sam,0.2,1,60
one,0.1,1,82
one,0.1,2,85
one,0.2,1,61
CSV
    run mlr --icsv --onidx --ofs ' ' filter 'is_not_empty($gain)' then cut -o -f rho,update,seeds,gain got
    [ "$output" = "$(printf '0.1 one 2 3\n0.2 one 1 1')" ]
}

@test "mcnemar: each seed by itself, with Holm's adjustment" {
    mkdir sgd_0_1 sgd_0_2 up_0.1_1 up_0.1_2
    printf 'image,best\n1,0\n2,0\n3,0\n4,0\n5,1\n' | tee sgd_0_1/predictions.csv >sgd_0_2/predictions.csv
    printf 'image,best\n1,1\n2,1\n3,1\n4,1\n5,1\n' >up_0.1_1/predictions.csv
    printf 'image,best\n1,0\n2,0\n3,0\n4,1\n5,0\n' >up_0.1_2/predictions.csv
    awk -f "$programs/statistics.awk" -f "$programs/mcnemar.awk" {sgd_0,up_0.1}_{1,2}/predictions.csv >got
    # two-sided: 2/2^4 = 0.125, and 1 of one to one
    diff - got <<'CSV'
rho,update,seed,won,lost,mcnemar_p,mcnemar_p_holm
0.1,up,1,4,0,0.125,0.25
0.1,up,2,1,1,1,1
CSV
    # A run whose partner is left out, as it diverged, has no row.
    awk -f "$programs/statistics.awk" -f "$programs/mcnemar.awk" {sgd_0_1,up_0.1_1,up_0.1_2}/predictions.csv >got
    diff - got <<'CSV'
rho,update,seed,won,lost,mcnemar_p,mcnemar_p_holm
0.1,up,1,4,0,0.125,0.125
CSV
}

@test "environment: outside a repository, and of the compiler that is asked for" {
    cp "$programs/environment" .
    [ "$(GIT_DIR=nothing CC=clang ./environment | jq -r .commit)" = "no repository" ]
    printf '#!/bin/sh\necho another compiler\n' >cc
    chmod +x cc
    [ "$(CC='env ./cc' ./environment | jq -r .compiler)" = "another compiler" ]
}
