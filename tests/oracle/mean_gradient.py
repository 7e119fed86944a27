"""mean-gradient against NumPy: `mean_gradient.py write FILE` makes a stream of random records;
`mean_gradient.py expect FILE T` prints the table that `mean-gradient --by tensor --critical T` of it
should, computed with numpy.mean and numpy.std."""

import sys

import numpy

from analysis_records import gradients

RECORDS, SHAPES = 9, {"conv1.weight": (4, 3, 3, 3), "linear.weight": (10, 50), "linear.bias": (10,)}


def arrays():
    """{name: (g, gp)} with a leading axis of records; some parameters have a mean, some do not."""
    random = numpy.random.default_rng(5)
    made = {}
    for name, shape in SHAPES.items():
        mean = random.choice([0, 0, 0.5, 3], size=shape)
        g = (mean + random.standard_normal((RECORDS, *shape))).astype("f4")
        gp = (g * random.standard_cauchy((RECORDS, *shape))).astype("f4")
        made[name] = (g, gp)
    return made


def write(path):
    made = arrays()
    with open(path, "wb") as file:
        for k in range(RECORDS):
            file.write(gradients({name: (g[k], gp[k]) for name, (g, gp) in made.items()}))


def expect(critical):
    for name, (g, gp) in arrays().items():
        g = g.astype("f8")
        mean, error = g.mean(axis=0), g.std(axis=0, ddof=1) / numpy.sqrt(RECORDS)
        significant = numpy.abs(mean) > critical * error
        class1 = gp[0] / g[0] > 1
        print(name, mean.size, RECORDS, significant.sum(), class1.sum(), (class1 & significant).sum(),
              f"{numpy.linalg.norm(mean):.10g}", f"{numpy.linalg.norm(error):.10g}", sep=",")


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2])
    else:
        expect(float(sys.argv[2]))
