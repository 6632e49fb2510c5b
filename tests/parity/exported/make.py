"""Model files with the signatures of the publisher's exports, for tests: they compute next to nothing.

  python make.py        (onnx 1.20 or newer)

layout_7, layout_8   im_shape, image, scale_factor -> rows, counts (and masks for 7 columns)
                     Two rows a page. Boxes are shares of the page, whose size is im_shape / scale_factor, so a wrong
                     scale factor moves them; the second row's score is the mean of the page's picture.
doc_ori              image -> four scores: class 2 (180 degrees) for dark pictures, class 0 for light ones
uvdoc                image -> the same picture, its columns mirrored
"""
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = os.path.dirname(os.path.abspath(__file__))
LABELS = """abstract algorithm aside_text chart content display_formula doc_title figure_title footer footer_image footnote
formula_number header header_image image inline_formula number paragraph_title reference reference_content seal table text
vertical_text vision_footnote""".split()


def save(folder, nodes, inputs, outputs, constants, labels=None):
    graph = h.make_graph(nodes, folder, inputs, outputs, [nh.from_array(v, k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    onnx.save(model, os.path.join(HERE, folder, "inference.onnx"))
    if labels:
        with open(os.path.join(HERE, folder, "inference.yml"), "w") as f:
            f.write(f"Global:\n  model_name: {labels}\nPreprocess:\n- type: Resize\n  interp: 2\n  keep_ratio: false\n")
            f.write("  target_size:\n  - 800\n  - 800\nlabel_list:\n" + "".join(f"- {l}\n" for l in LABELS))


def layout(columns, name):
    # [class, score, x1, y1, x2, y2, order, votes], boxes as shares of the page
    rows = np.array([[6, 0.9, 0.1, 0.05, 0.9, 0.1, 0, 9], [22, 0, 0.1, 0.2, 0.9, 0.95, 1, 3]], np.float32)[:, :columns]
    is_share = np.zeros(columns, np.float32)
    is_share[2:6] = 1
    is_mean = np.zeros((2, columns), np.float32)
    is_mean[1, 1] = 1
    f = lambda v: np.array(v, np.float32)
    i = lambda *v: np.array(v, np.int64)
    c = {"rows": rows[None], "rest": f(1 - is_share), "share": f(is_share), "is_mean": is_mean[None], "half": f(0.5),
         "swap": i(1, 0, 1, 0), "pad": f(np.eye(4, columns, 2)), "axes": i(1, 2, 3), "shape": i(-1, columns), "one": i(1), "zero": i(0),
         "two": np.array([2], np.int32), "middle": i(1)}
    nodes = [
        h.make_node("Div", ["im_shape", "scale_factor"], ["exact"]),
        h.make_node("Add", ["exact", "half"], ["above"]),
        h.make_node("Floor", ["above"], ["size"]),                      # [B, 2]: height, width
        h.make_node("Gather", ["size", "swap"], ["whwh"], axis=1),      # [B, 4]
        h.make_node("MatMul", ["whwh", "pad"], ["spread"]),             # [B, columns], zero where no coordinate is
        h.make_node("Add", ["spread", "rest"], ["factors"]),
        h.make_node("Unsqueeze", ["factors", "middle"], ["factors3"]),
        h.make_node("Mul", ["rows", "factors3"], ["scaled"]),           # [B, 2, columns]
        h.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=1),
        h.make_node("Squeeze", ["mean", "middle"], ["mean3"]),          # [B, 1, 1]
        h.make_node("Mul", ["mean3", "is_mean"], ["means"]),
        h.make_node("Add", ["scaled", "means"], ["all"]),
        h.make_node("Reshape", ["all", "shape"], ["fetch_name_0"]),
        h.make_node("Shape", ["im_shape"], ["dims"]),
        h.make_node("Gather", ["dims", "zero"], ["batch"], axis=0),
        h.make_node("Expand", ["two", "batch"], ["fetch_name_1"]),
    ]
    outputs = [h.make_tensor_value_info("fetch_name_0", T.FLOAT, [None, columns]),
               h.make_tensor_value_info("fetch_name_1", T.INT32, [None])]
    if columns == 7:
        down, across = np.zeros((1, 200, 1), np.float32), np.zeros((1, 1, 200), np.float32)
        down[0, 42:188] = down[0, 8:22] = across[0, 0, 22:178] = 1
        c.update({"down": down, "across": across, "tail": i(200, 200)})
        nodes += [
            h.make_node("MatMul", ["down", "across"], ["mask_float"]),
            h.make_node("Cast", ["mask_float"], ["mask"], to=T.INT32),
            h.make_node("Shape", ["fetch_name_0"], ["row_dims"]),
            h.make_node("Gather", ["row_dims", "zero"], ["count"], axis=0),
            h.make_node("Concat", ["count", "tail"], ["mask_dims"], axis=0),
            h.make_node("Expand", ["mask", "mask_dims"], ["fetch_name_2"]),
        ]
        outputs.append(h.make_tensor_value_info("fetch_name_2", T.INT32, [None, 200, 200]))
    inputs = [h.make_tensor_value_info("im_shape", T.FLOAT, [None, 2]),
              h.make_tensor_value_info("image", T.FLOAT, [None, 3, 800, 800]),
              h.make_tensor_value_info("scale_factor", T.FLOAT, [None, 2])]
    del c["axes"], c["one"]
    c.pop("share")
    save(f"layout_{columns}", nodes, inputs, outputs, c, name)


def orientation():
    c = {"w": np.array([[1, 0, -1, 0]], np.float32)}
    nodes = [h.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
             h.make_node("Unsqueeze", ["mean", "axis"], ["column"]),
             h.make_node("MatMul", ["column", "w"], ["y"])]
    c["axis"] = np.array([1], np.int64)
    save("doc_ori", nodes, [h.make_tensor_value_info("x", T.FLOAT, [None, 3, 224, 224])],
         [h.make_tensor_value_info("y", T.FLOAT, [None, 4])], c)


def uvdoc():
    c = {"start": np.array([-1], np.int64), "end": np.array([-(2**62)], np.int64), "axis": np.array([3], np.int64),
         "step": np.array([-1], np.int64)}
    nodes = [h.make_node("Slice", ["image", "start", "end", "axis", "step"], ["out"])]
    shape = [None, 3, None, None]
    save("uvdoc", nodes, [h.make_tensor_value_info("image", T.FLOAT, shape)], [h.make_tensor_value_info("out", T.FLOAT, shape)], c)


layout(7, "PP-DocLayoutV3")
layout(8, "PP-DocLayoutV2")
orientation()
uvdoc()
