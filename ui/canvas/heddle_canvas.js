// NiceGUI names the component after this file and imports its default export.
import { WorkflowCanvas } from "heddle-canvas";
export default WorkflowCanvas;
