from brevitas_models._blocks import QuantClassifier
__all__=["QuantClassifier"]
