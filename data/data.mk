# The datasets that Debian does not package: `make data-cifar10`, `make data-cifar100`.
#
# Each is downloaded (an interrupted download goes on where it stopped), held against the MD5 sum
# that its author publishes, and unpacked to $(DATA_DIR)/NAME, which appears only when it is whole.
# For another source, give CIFAR10_URL or CIFAR100_URL (file://... too) on the command line.

DATA_DIR ?= $(BUILD)/data

# Addresses and sums: https://www.cs.toronto.edu/~kriz/cifar.html, "binary version".
CIFAR10_URL := https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
CIFAR10_MD5 := c32a1d4ab5d03f1284b67883e8d87530
CIFAR100_URL := https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz
CIFAR100_MD5 := 03b5dce01913d631647c71ecec9e9cb8

.PHONY: data-cifar10 data-cifar100
data-cifar10: $(DATA_DIR)/cifar10 ## download CIFAR-10 and check it
data-cifar100: $(DATA_DIR)/cifar100 ## ... CIFAR-100

$(DATA_DIR)/cifar%:
	@data/fetch '$(CIFAR$*_URL)' '$(CIFAR$*_MD5)' '$@'
