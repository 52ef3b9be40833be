// An ONNX model that is one matrix product.
import protobuf from "protobufjs/minimal.js";

const tag = (field, wire) => (field << 3) | wire;

export function matMulModel(n) {
  const w = protobuf.Writer.create();
  w.uint32(tag(1, 0)).int64(9).uint32(tag(7, 2)).fork();
  w.uint32(tag(1, 2)).fork();
  for (const input of ["a", "b"]) w.uint32(tag(1, 2)).string(input);
  w.uint32(tag(2, 2)).string("c").uint32(tag(4, 2)).string("MatMul").ldelim();
  w.uint32(tag(2, 2)).string("product");
  for (const [field, name] of [
    [11, "a"],
    [11, "b"],
    [12, "c"],
  ]) {
    w.uint32(tag(field, 2)).fork().uint32(tag(1, 2)).string(name).uint32(tag(2, 2)).fork().uint32(tag(1, 2)).fork();
    w.uint32(tag(1, 0)).int32(1).uint32(tag(2, 2)).fork();
    for (let i = 0; i < 2; i++) w.uint32(tag(1, 2)).fork().uint32(tag(1, 0)).int64(n).ldelim();
    w.ldelim().ldelim().ldelim().ldelim();
  }
  w.ldelim();
  return w.uint32(tag(8, 2)).fork().uint32(tag(1, 2)).string("").uint32(tag(2, 0)).int64(20).ldelim().finish();
}
