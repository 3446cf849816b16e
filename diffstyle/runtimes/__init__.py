"""Networks outside torch: converted to ONNX, and run by ONNX Runtime or OpenVINO."""
