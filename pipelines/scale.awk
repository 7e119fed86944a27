# scale - the options of two runs beside the notes':
#
#   awk -v radii=RADII -v seeds=N -f scale.awk NOTES RUN RUN
#
# NOTES is data/notes-protocol.csv, a RUN the file of a run's parameters ("--width 8", one a line).
# The second is one of many, of which RADII and N are.

BEGIN { OFS = ","; print "meaning,long,grid,notes" }
FNR == 1 { file++ }
file == 1 && FNR > 1 {
    split($0, cell, ",")
    name[++n] = cell[1]; meaning[n] = cell[2]; notes[n] = cell[3]
}
file > 1 { sub(/^--/, "", $1); value[$1, file] = $2 }
END {
    value["rho", 3] = radii
    value["seeds", 2] = 1
    value["seeds", 3] = seeds
    for (i = 1; i <= n; i++)
        print meaning[i], value[name[i], 2], value[name[i], 3], notes[i]
}
