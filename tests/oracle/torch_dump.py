import ctypes, json, struct, torch

DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}

def write_record(stream, current, perturbed, **metadata):
    """Write one gradient record: two dicts of gradients by parameter name, and step=1, ..."""
    header = {"__metadata__": {key: str(value) for key, value in metadata.items()}}
    tensors, end = [], 0
    for name in current:
        for prefix, gradients in ("current/", current), ("perturbed/", perturbed):
            tensor = gradients[name].detach().cpu().contiguous()
            begin, end = end, end + tensor.numel() * tensor.element_size()
            header[prefix + name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                                     "data_offsets": [begin, end]}
            tensors.append(tensor)
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    stream.write(struct.pack("<Q", len(text)) + text)
    for tensor in tensors:
        stream.write(ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size()))
    stream.flush()
