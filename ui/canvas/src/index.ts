/** The bundle's entry: one Vue component that NiceGUI mounts. */
import '@vue-flow/core/dist/style.css'
import './styles/canvas.css'

export { default as WorkflowCanvas } from './EditorApp.vue'
